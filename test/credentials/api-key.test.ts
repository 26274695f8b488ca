import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createApiKey, createApiKeyVerifier } from '../../src/credentials/api-key.ts';
import { fixedSecret } from '../../src/lib/secret.ts';

const digestOf = (key: string) => hash('sha256', key);

describe('a new key', () => {
  test('opens with its entry, for all skills or for those that were named', () => {
    const all = createApiKey('ci');
    const some = createApiKey('ops', ['detect_language', 'summarise']);
    const find = createApiKeyVerifier(fixedSecret(`${all.entry},${some.entry}`));
    expect(find(digestOf(all.key))).toEqual({ id: 'ci', skills: '*' });
    expect(find(digestOf(some.key))).toEqual({
      id: 'ops',
      skills: new Set(['detect_language', 'summarise']),
    });
  });

  test('has 256 random bits behind a prefix that scanners can find, and is not in its entry', () => {
    const { key, entry } = createApiKey('ci');
    expect(key).toMatch(/^sgk_[\w-]{43}$/);
    expect(entry).toMatch(/^ci:[0-9a-f]{64}$/);
    expect(createApiKey('ci').key).not.toBe(key);
  });

  test.each(['', 'a:b', 'a,b', 'gateway', 'anonymous', 'x'.repeat(65)])(
    'does not take the name "%s"',
    (name) => {
      expect(() => createApiKey(name)).toThrow(RangeError);
    },
  );

  test('does not take what cannot be a skill', () => {
    expect(() => createApiKey('ci', ['a|b'])).toThrow(RangeError);
  });
});

describe('the verifier', () => {
  test('knows no key but those of its entries', () => {
    const find = createApiKeyVerifier(fixedSecret(createApiKey('ci').entry));
    fc.assert(fc.property(fc.string(), (key) => find(digestOf(key)) === undefined));
  });

  test('takes an old and a new key of one name, in any case of the digits and with entries on lines', () => {
    const [old, fresh] = [createApiKey('ci'), createApiKey('ci')];
    const find = createApiKeyVerifier(
      fixedSecret(`${old.entry.toUpperCase().replace('CI', 'ci')}\n ${fresh.entry} ,\n`),
    );
    expect([find(digestOf(old.key))?.id, find(digestOf(fresh.key))?.id]).toEqual(['ci', 'ci']);
  });

  test('follows its source', () => {
    const [old, fresh] = [createApiKey('ci'), createApiKey('ci')];
    let text = old.entry;
    const find = createApiKeyVerifier({ read: () => text });
    expect(find(digestOf(old.key))?.id).toBe('ci');
    text = fresh.entry;
    expect(find(digestOf(old.key))).toBeUndefined();
    expect(find(digestOf(fresh.key))?.id).toBe('ci');
  });
});
