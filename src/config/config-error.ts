/** One fault in the environment. */
export interface ConfigFault {
  /** The name of the variable. */
  readonly name: string;
  /** What it takes and what was given, without the text of a secret. */
  readonly reason: string;
}

/** The environment does not make a configuration; every fault that could be found is listed. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly ConfigFault[];

  constructor(faults: readonly ConfigFault[]) {
    super(faults.map((fault) => `${fault.name}: ${fault.reason}`).join('\n'));
    this.faults = faults;
  }
}
