import type { Trial } from '../importers/discover.ts';
import type { Imported } from '../importers/imported-skill.ts';

/** What the command line of `skillgate import` says beside the source. */
export interface ImportOptions {
  /** The models to import, where the server has several. */
  readonly model?: readonly string[];
  /** Takes every model there is. */
  readonly all?: boolean;
  /** The name of the skill, where there is one. */
  readonly name?: string;
  /** The folder to write to; by default SKILLS_DIR. */
  readonly output?: string;
  /** The environment variable that holds a bearer token for the server. */
  readonly tokenEnv?: string;
  /** Replaces files that are there. */
  readonly force?: boolean;
  /** Writes to standard output, and no file. */
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** What was read, and from what. */
export interface Source extends Imported {
  /** What the source is, for people. */
  readonly kind: string;
  readonly tried: readonly Trial[];
}
