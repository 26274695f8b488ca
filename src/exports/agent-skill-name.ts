/**
 * Gives every skill a name that Agent Skills take: 1 to 64 of `[a-z0-9]` and single hyphens between them. A skill whose
 * own name is such a name keeps it; of the others the underscores become hyphens, and a number is added where that name
 * is taken.
 *
 * @param names the names of all skills
 * @returns skill name → Agent Skill name
 */
export function toAgentSkillNames(names: readonly string[]): ReadonlyMap<string, string> {
  const sorted = names.toSorted();
  const given = new Map(sorted.filter(isAgentSkillName).map((name) => [name, name]));
  const taken = new Set(given.values());
  for (const name of sorted) {
    if (given.has(name)) continue;
    const free = firstFree(name.replaceAll(/[_-]+/g, '-').replace(/-$/, ''), taken);
    given.set(name, free);
    taken.add(free);
  }
  return given;
}

function isAgentSkillName(name: string): boolean {
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name);
}

function firstFree(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  let number = 2;
  while (taken.has(`${name}-${number}`)) number += 1;
  return `${name}-${number}`;
}
