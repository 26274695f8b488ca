/** What `skillgate export` can write. */
export const exportFormats = ['skill', 'plugin', 'tools', 'openapi'] as const;

export interface ExportOptions {
  readonly all?: boolean;
  readonly format: (typeof exportFormats)[number];
  /** The folder for `skill` and `plugin`, the file for `tools` and `openapi`. */
  readonly output?: string;
  /** Where the gateway will be found; by default where HOST and PORT say that it listens. */
  readonly url?: string;
  /** Packs each Agent Skill as a `.skill` file. */
  readonly archive?: boolean;
  readonly json?: boolean;
}
