import { generateKeyPairSync } from 'node:crypto';
import { calculateJwkThumbprint } from 'jose';
import { describe, expect, test } from 'vitest';
import { readSigningKey } from '../../src/lib/signing-key.ts';

const asPem = { type: 'pkcs8', format: 'pem' } as const;
const pems = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(asPem).toString(),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(asPem).toString(),
  EdDSA: generateKeyPairSync('ed25519').privateKey.export(asPem).toString(),
};

describe.each(Object.entries(pems))('a key for %s', (algorithm, pem) => {
  test('says its algorithm by its type', () => {
    expect(readSigningKey(pem).algorithm).toBe(algorithm);
  });

  test('has the thumbprint of RFC 7638 as kid', async () => {
    const { publicJwk } = readSigningKey(pem);
    expect(publicJwk.kid).toBe(await calculateJwkThumbprint(JSON.parse(JSON.stringify(publicJwk)), 'sha256'));
  });

  test('shows nothing of its private half', () => {
    const { publicJwk } = readSigningKey(pem);
    expect(publicJwk).toMatchObject({ alg: algorithm, use: 'sig' });
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi']) expect(publicJwk).not.toHaveProperty(member);
  });
});

test.each([
  ['a text', 'nonsense', 'it is no PEM'],
  ['half a PEM', pems.RS256.slice(0, 400), 'there is no private key in it'],
  [
    'a public key',
    generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    'there is no private key in it',
  ],
  [
    'an encrypted key',
    generateKeyPairSync('ed25519')
      .privateKey.export({ ...asPem, cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString(),
    'the key is encrypted',
  ],
  [
    'a short RSA key',
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(asPem).toString(),
    'an RSA key of 1024 bits is too short',
  ],
  [
    'another curve',
    generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey.export(asPem).toString(),
    'a key of type secp384r1 does not serve here',
  ],
  [
    'another kind',
    generateKeyPairSync('x25519').privateKey.export(asPem).toString(),
    'a key of type x25519 does not serve here',
  ],
])('refuses %s, and says why', (_what, pem, reason) => {
  expect(() => readSigningKey(pem)).toThrow(new RangeError(reason));
});
