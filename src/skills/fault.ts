/** A fault in a definition. */
export interface DefinitionFault {
  /** JSON Pointer (RFC 6901) from the definition's root; empty for the whole file. */
  readonly pointer: string;
  /** For somebody who never saw this code. */
  readonly reason: string;
}

/** A fault in one of the files of SKILLS_DIR. */
export interface SkillFault extends DefinitionFault {
  /** Relative to SKILLS_DIR; `.` for the folder itself. */
  readonly file: string;
}

/** The same faults, seen from further out. */
export function under(pointer: string, faults: readonly DefinitionFault[]): DefinitionFault[] {
  return faults.map((fault) => ({ ...fault, pointer: pointer + fault.pointer }));
}
