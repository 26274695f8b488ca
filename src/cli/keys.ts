import { createApiKey } from '../credentials/api-key.ts';
import { type ExitCode, exitCode, UsageError } from './exit-code.ts';
import { type Terminal, writeJson } from './terminal.ts';

export interface CreateKeyOptions {
  readonly json?: boolean;
  /** The names of the skills that the key covers; all where there are none. */
  readonly skills?: readonly string[];
}

/**
 * `skillgate keys create NAME`: makes a key for a caller. The key is shown this once and kept nowhere.
 *
 * @throws UsageError where a name is not one
 */
export function createKey(
  { stdout }: Terminal,
  name: string,
  { json = false, skills = [] }: CreateKeyOptions,
): ExitCode {
  const { key, entry } = newKey(name, skills);
  if (json) {
    writeJson(stdout, { name, key, entry });
    return exitCode.done;
  }
  stdout.write(`The key, for the caller. It is shown this once:

  ${key}

Its entry for AUTH_API_KEYS, with commas between entries:

  ${entry}

The caller sends the header

  Authorization: Bearer ${key}
`);
  return exitCode.done;
}

function newKey(name: string, skills: readonly string[]) {
  try {
    return createApiKey(name, skills);
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message);
    throw error;
  }
}
