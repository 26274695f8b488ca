/** An instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  readonly keyword: string;
  /** `--from=build` and the like, by name. */
  readonly flags: Readonly<Record<string, string>>;
  /** The rest of the line. */
  readonly rest: string;
}

/** Splits a Dockerfile into its instructions. Takes the part of the language that this repository's file uses. */
export function parseDockerfile(text: string): Instruction[] {
  return text
    .replace(/^\s*#.*\n/gm, '')
    .replace(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, keyword = '', flags = '', rest = ''] = /^([A-Z]+)\s+((?:--\S+\s+)*)(.*)$/.exec(line) ?? [];
      if (keyword === '') throw new Error(`not an instruction: ${line}`);
      const pairs = flags.match(/--[^\s=]+=\S+/g) ?? [];
      return {
        keyword,
        flags: Object.fromEntries(pairs.map((pair) => pair.slice(2).split('=', 2))),
        rest,
      };
    });
}

/** The exec form `["program", "argument"]` of CMD and HEALTHCHECK. */
export function parseExecForm(text: string): string[] {
  const parsed: unknown = JSON.parse(text);
  if (!Array.isArray(parsed) || !parsed.every((part) => typeof part === 'string')) {
    throw new Error(`not the exec form: ${text}`);
  }
  return parsed;
}

/**
 * Tells whether `.dockerignore` keeps a path out of the build context: the last pattern that matches the path or a
 * folder above it decides.
 */
export function parseDockerignore(text: string): (path: string) => boolean {
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ kept: line.startsWith('!'), glob: globExpression(line.replace(/^!/, '')) }));
  return (path) => {
    let ignored = false;
    for (const { kept, glob } of patterns) if (glob.test(path)) ignored = !kept;
    return ignored;
  };
}

function globExpression(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
  return new RegExp(`^${source}(?:/|$)`);
}
