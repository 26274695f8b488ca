/** A key that opens the gateway, as AUTH_API_KEYS holds it: never the key itself. */
export interface ApiKey {
  readonly name: string;
  /** The SHA-256 of the key: 64 hexadecimal digits in lower case, as ASCII. */
  readonly digest: Buffer;
  /** The names of the skills that the key covers, or `*` for all. */
  readonly skills: ReadonlySet<string> | '*';
}

/** What may be the name of a key. A colon may not, so that no name of a key is ever the id of another kind of caller. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;
const digestPattern = /^[0-9a-f]{64}$/i;
const skillPattern = /^[a-z][a-z0-9_-]{0,47}$/;

/** The ids of callers that the gateway itself makes. */
const reservedNames: readonly string[] = ['anonymous', 'gateway'];

/** Whether a key may have this name. */
export function isApiKeyName(name: string): boolean {
  return namePattern.test(name) && !reservedNames.includes(name);
}

/** Whether this may be the name of a skill that a key covers. */
export function isSkillName(name: string): boolean {
  return skillPattern.test(name);
}

/**
 * Reads `name:sha256hex[:skill|skill]` entries, separated by commas or line breaks. Two entries may share a name, so
 * that a key can be replaced while its predecessor still works.
 *
 * @throws RangeError where an entry is not of that form. The message counts entries and quotes nothing: a text in the
 *   wrong form may be a key.
 */
export function parseApiKeys(text: string): readonly ApiKey[] {
  const entries = text.split(/[,\n]/).map((entry) => entry.trim());
  const keys = entries.filter((entry) => entry !== '').map(parseEntry);
  if (keys.length === 0) throw new RangeError('there is no entry');
  return keys;
}

function parseEntry(entry: string, index: number): ApiKey {
  const where = `entry ${index + 1}`;
  const [name = '', digest = '', skills, ...rest] = entry.split(':');
  if (rest.length > 0) throw new RangeError(`${where} has more than three parts`);
  if (!isApiKeyName(name)) {
    throw new RangeError(
      `${where} has no valid name (letters, digits, . _ @ -; not ${reservedNames.join(' or ')})`,
    );
  }
  if (!digestPattern.test(digest)) {
    throw new RangeError(
      `the second part of ${where} is not the 64 hexadecimal digits of a SHA-256 (is it the key itself?)`,
    );
  }
  return { name, digest: Buffer.from(digest.toLowerCase(), 'latin1'), skills: parseSkills(skills, where) };
}

function parseSkills(text: string | undefined, where: string): ReadonlySet<string> | '*' {
  if (text === undefined || text === '*') return '*';
  const names = text.split('|');
  if (!names.every(isSkillName)) {
    throw new RangeError(`the third part of ${where} is not a list of skill names with | between them`);
  }
  return new Set(names);
}
