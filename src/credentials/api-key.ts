import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Caller } from '../contracts/caller.ts';
import { isApiKeyName, isSkillName, parseApiKeys } from '../lib/api-key.ts';
import type { Secret } from '../lib/secret.ts';

/** A new key: the key is for the caller, the entry for AUTH_API_KEYS. */
export interface NewApiKey {
  readonly key: string;
  readonly entry: string;
}

/**
 * Makes an API key of 256 random bits, and its entry for AUTH_API_KEYS. The entry holds the key's SHA-256 only: a slow
 * hash would add nothing to a key that nobody can guess.
 *
 * @param skills the names of the skills that the key covers; none for all
 * @throws RangeError where a name is not one
 */
export function createApiKey(name: string, skills: readonly string[] = []): NewApiKey {
  if (!isApiKeyName(name)) {
    throw new RangeError(
      `A key takes a name of at most 64 letters, digits, . _ @ -, other than anonymous and gateway; given ${JSON.stringify(name)}`,
    );
  }
  const strange = skills.find((skill) => !isSkillName(skill));
  if (strange !== undefined) throw new RangeError(`${JSON.stringify(strange)} cannot be the name of a skill`);
  const key = `sgk_${randomBytes(32).toString('base64url')}`;
  const scope = skills.length === 0 ? '' : `:${skills.join('|')}`;
  return { key, entry: `${name}:${hash('sha256', key)}${scope}` };
}

/**
 * Finds the caller of an API key.
 *
 * @param source the text of AUTH_API_KEYS, which may change while the process runs
 * @returns a function from the SHA-256 of a key, in hexadecimal, to its caller. It compares with every key, each in constant time, so
 *   that the time it takes tells nothing of the keys there are.
 * @throws RangeError where the text is not of the form
 */
export function createApiKeyVerifier(source: Secret): (digest: string) => Caller | undefined {
  const presented = Buffer.alloc(64);
  let text = source.read();
  let entries = entriesOf(text);
  return (digest) => {
    const textNow = source.read();
    if (textNow !== text) {
      entries = entriesOf(textNow);
      text = textNow;
    }
    // As text: to read the digits into bytes would cost more than to compare twice as many.
    presented.write(digest, 'latin1');
    let found: Caller | undefined;
    for (const entry of entries) if (timingSafeEqual(entry.digest, presented)) found = entry.caller;
    return found;
  };
}

function entriesOf(text: string): readonly { readonly digest: Buffer; readonly caller: Caller }[] {
  return parseApiKeys(text).map(({ name, digest, skills }) => ({ digest, caller: { id: name, skills } }));
}
