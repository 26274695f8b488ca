import { readFileSync, statSync } from 'node:fs';
import { fixedSecret, type Secret } from '../lib/secret.ts';
import type { Warn } from '../lib/warn.ts';
import { ConfigError } from './config-error.ts';

/** The environment, as Node gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How long a changed file may go unnoticed, in milliseconds. A look at it costs microseconds, and only then. */
const lookIntervalMs = 1000;

/**
 * Finds a secret in the variable NAME or in the file that NAME_FILE names. The file is read again when it has changed
 * and the secret is used, so that secrets rotate without a restart; what cannot be read or does not fit then is
 * reported as `secret_unreadable`, and the last good text stays.
 *
 * @param check throws a RangeError where a text does not fit; its message quotes nothing of the text
 * @returns undefined where neither variable is set
 * @throws ConfigError where both are set, the file cannot be read, or the text does not fit
 */
export function findSecret(
  env: Environment,
  name: string,
  check: (text: string) => void,
  warn: Warn,
): Secret | undefined {
  const text = env[name] || undefined;
  const path = env[`${name}_FILE`] || undefined;
  if (text !== undefined && path !== undefined) {
    throw new ConfigError([{ name, reason: `takes either ${name} or ${name}_FILE; both are given` }]);
  }
  if (path !== undefined) {
    return inCaseOfFault(`${name}_FILE`, () => createFileSecret(name, path, check, warn));
  }
  if (text !== undefined) inCaseOfFault(name, () => check(text));
  return text === undefined ? undefined : fixedSecret(text);
}

function inCaseOfFault<Result>(name: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof RangeError) throw new ConfigError([{ name, reason: error.message }]);
    throw error;
  }
}

function createFileSecret(name: string, path: string, check: (text: string) => void, warn: Warn): Secret {
  function load(): string {
    const content = readText(path);
    check(content);
    return content;
  }

  // The stamp is taken before the text: a change between the two is then seen at the next look.
  let stamp = stampOf(path);
  let text = load();
  let nextLookMs = Date.now() + lookIntervalMs;

  function look(): void {
    const seen = stampOf(path);
    if (seen === stamp) return;
    stamp = seen;
    try {
      text = load();
    } catch (error) {
      warn('secret_unreadable', new Error(`${name}_FILE has changed and is not taken`, { cause: error }));
    }
  }

  return {
    read() {
      const now = Date.now();
      if (now >= nextLookMs) {
        nextLookMs = now + lookIntervalMs;
        look();
      }
      return text;
    },
  };
}

/** The text of a file without the line break that editors put at its end. */
function readText(path: string): string {
  let content: string;
  try {
    content = readFileSync(path, 'utf8').replace(/[\r\n]+$/, '');
  } catch (cause) {
    throw new RangeError(`takes the path of a file that can be read; ${path} cannot be`, { cause });
  }
  if (content === '') throw new RangeError(`takes the path of a file with a secret in it; ${path} is empty`);
  return content;
}

/** What changes whenever the file does: also with its mode, and when a link comes to lead elsewhere. */
function stampOf(path: string): string {
  try {
    const { dev, ino, ctimeNs } = statSync(path, { bigint: true });
    return `${dev}:${ino}:${ctimeNs}`;
  } catch (error) {
    return `unreadable: ${error}`;
  }
}
