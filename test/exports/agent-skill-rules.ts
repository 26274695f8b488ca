import { parse } from 'yaml';

const known = new Set(['name', 'description', 'license', 'compatibility', 'metadata', 'allowed-tools']);

/**
 * What a SKILL.md breaks of the rules of Agent Skills (agentskills.io/specification), read strictly: what only some
 * clients refuse counts as well.
 *
 * @param folder the name of the folder that it lies in
 */
export function agentSkillFaults(markdown: string, folder: string): string[] {
  const [, frontMatter, body] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(markdown) ?? [];
  if (frontMatter === undefined || body === undefined) return ['it does not begin with front matter'];
  const fields: unknown = parse(frontMatter, { strict: true, uniqueKeys: true });
  if (typeof fields !== 'object' || fields === null) return ['the front matter is no map'];
  const entries: ReadonlyMap<string, unknown> = new Map(Object.entries(fields));
  const { name, description, compatibility, metadata } = Object.fromEntries(entries);
  const faults = [...entries.keys()].filter((key) => !known.has(key)).map((key) => `unknown field ${key}`);
  const must = (holds: boolean, fault: string) => void (holds || faults.push(fault));

  must(isText(name, 64) && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name), 'name');
  must(isText(name, 64) && !/anthropic|claude/.test(name), 'a reserved word in the name');
  must(name === folder, 'the name is not that of the folder');
  must(isText(description, 1024) && !/[<>]/.test(description), 'description');
  must(isText(description, 1024) && description.trim() === description, 'blanks around the description');
  must(compatibility === undefined || isText(compatibility, 500), 'compatibility');
  must(metadata === undefined || isStringMap(metadata), 'metadata');
  must(markdown.split('\n').length < 500, '500 lines or more');
  must(body.trim().length > 0, 'no instructions');
  return faults;
}

function isText(value: unknown, maxLength: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= maxLength;
}

function isStringMap(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((member) => typeof member === 'string')
  );
}
