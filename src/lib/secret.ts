/**
 * A secret that is shown only when it is asked for: printed, inspected or written as JSON, the object says nothing.
 * The text may change while the process runs, so it is read where it is used and not kept.
 */
export interface Secret {
  /** The text as it is now. Cheap enough for the call's path; the same string as long as nothing has changed. */
  read(): string;
}

/** A secret that never changes. */
export function fixedSecret(text: string): Secret {
  return { read: () => text };
}
