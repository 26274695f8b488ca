/** A definition that is well formed asks for something that this gateway does not have. */
export class DefinitionError extends Error {
  override readonly name: string = 'DefinitionError';
  /** JSON Pointer to the place in the definition. */
  readonly pointer: string;

  constructor(pointer: string, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.pointer = pointer;
  }
}
