import type { Secret } from '../lib/secret.ts';
import type { Warn } from '../lib/warn.ts';
import { ConfigError, type ConfigFault } from './config-error.ts';
import { crossFaults } from './cross-checks.ts';
import { type Environment, findSecret } from './secret-sources.ts';
import { type Settings, type Variable, variables } from './variables.ts';

/** All that the environment says. Nothing else reads it. */
export interface Config extends Settings {
  /**
   * The secret that a skill names: the variable NAME, or the file that NAME_FILE names, read again when it changes.
   *
   * @returns undefined where neither is set
   * @throws ConfigError where the two cannot be read, or where the name is one of the gateway's own variables
   */
  readonly secret: (name: string) => string | undefined;
}

export interface LoadOptions {
  /** Whether the process is going to accept callers, which an address beyond loopback makes a risk. Default true. */
  readonly listens?: boolean;
  /** Told when a secret's file has changed and cannot be taken. Default: a process warning. */
  readonly warn?: Warn;
}

/**
 * Reads the environment. An empty variable counts as not set.
 *
 * @throws ConfigError with every fault that could be found
 */
export function loadConfig(
  env: Environment,
  { listens = true, warn = warnProcess }: LoadOptions = {},
): Config {
  const faults: ConfigFault[] = [];
  const faulty = new Set<string>();
  const values = Object.entries(variables).map(([property, variable]) => {
    const faultsBefore = faults.length;
    const value = readVariable(env, variable, faults, warn);
    if (faults.length > faultsBefore) faulty.add(property);
    return [property, value];
  });
  // The type follows from the table, and so do the values; TypeScript cannot see that the one fits the other.
  const settings = Object.fromEntries(values) as Settings;
  faults.push(...crossFaults(settings, faulty, listens));
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze({ ...settings, secret: createSkillSecrets(env, warn) });
}

/** The value of one variable. A fault is written down, and the default holds for the checks that follow. */
function readVariable(env: Environment, variable: Variable, faults: ConfigFault[], warn: Warn): unknown {
  if (variable.secret) return readSecret(env, variable, faults, warn);
  const given = textOf(env, variable);
  const fallback = variable.default === undefined ? undefined : variable.kind.parse(variable.default);
  if (given === undefined) return fallback;
  const value = variable.kind.parse(given);
  if (value === undefined) faults.push({ name: variable.name, reason: misfit(variable, given) });
  return value ?? fallback;
}

function readSecret(
  env: Environment,
  variable: Variable,
  faults: ConfigFault[],
  warn: Warn,
): Secret | undefined {
  const check = (text: string) => {
    if (variable.kind.parse(text) === undefined) throw new RangeError(misfit(variable, text));
  };
  try {
    return findSecret(env, variable.name, check, warn);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    faults.push(...error.faults);
    return undefined;
  }
}

function textOf(env: Environment, { name, lowerCaseToo }: Variable): string | undefined {
  const lower = lowerCaseToo ? env[name.toLowerCase()]?.trim() : undefined;
  return lower || env[name]?.trim() || undefined;
}

/** What the variable takes and what was given; of what may be secret, only why it does not fit. */
function misfit({ kind, secret, hidden }: Variable, given: string): string {
  const shown = secret || hidden ? 'a value that does not fit' : JSON.stringify(shorten(given));
  const reason = kind.explain?.(given);
  return `takes ${kind.takes}; given ${shown}${reason === undefined ? '' : `: ${reason}`}`;
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
}

/** Skills are written by more hands than the gateway's own configuration: none may send its secrets anywhere. */
const ownNames: ReadonlySet<string> = new Set(
  Object.values(variables).flatMap(({ name }) => [name, `${name}_FILE`, name.toLowerCase()]),
);

function createSkillSecrets(env: Environment, warn: Warn): (name: string) => string | undefined {
  const found = new Map<string, Secret>();
  return (name) => {
    const known = found.get(name);
    if (known !== undefined) return known.read();
    if (ownNames.has(name)) {
      throw new ConfigError([{ name, reason: "is the gateway's own; a skill has to name another variable" }]);
    }
    const secret = findSecret(env, name, () => undefined, warn);
    if (secret !== undefined) found.set(name, secret);
    return secret?.read();
  };
}

function warnProcess(event: string, error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error), { code: event });
}
