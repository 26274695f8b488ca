import { type Variable, variables } from '../../src/config/variables.ts';

const known: ReadonlyMap<string, Variable> = new Map(
  Object.values(variables).map((variable): [string, Variable] => [variable.name, variable]),
);

/** What is true where the process runs, and cannot be checked here: whether a folder or a file is there. */
const placeBound = new Set(['SKILLS_DIR', 'DATA_DIR']);

/**
 * What the gateway would refuse in these variables, and variables that it would not look at.
 *
 * @param environment undefined stands for a value that is known only where the process runs
 */
export function settingsFaults(environment: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(environment).flatMap(([name, value]) => {
    const variable = known.get(name);
    if (variable === undefined) return isSecretFile(name) ? [] : [`${name} is not a variable`];
    if (value === undefined || placeBound.has(name)) return [];
    return variable.kind.parse(value) === undefined ? [`${name} takes ${variable.kind.takes}`] : [];
  });
}

function isSecretFile(name: string): boolean {
  return name.endsWith('_FILE') && known.get(name.slice(0, -'_FILE'.length))?.secret === true;
}
