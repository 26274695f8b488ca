/** Nothing can be imported, for a reason that a person can do something about. */
export class ImportError extends Error {
  override readonly name = 'ImportError';
  /** Whether another command line would do, such as one with --model. */
  readonly isUsage: boolean;

  /** @param message may hold what a server said: control characters, which could drive a terminal, become blanks */
  constructor(message: string, { isUsage = false }: { readonly isUsage?: boolean } = {}) {
    super(message.replaceAll(/[^\P{Cc}\n]/gu, ' '));
    this.isUsage = isUsage;
  }
}
