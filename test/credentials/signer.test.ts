import { generateKeyPairSync } from 'node:crypto';
import fastify from 'fastify';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { createSigner, type Signer, type SignerSettings } from '../../src/credentials/signer.ts';
import { jwksEntrypoint } from '../../src/entrypoints/jwks.ts';
import { fixedSecret } from '../../src/lib/secret.ts';

const secret = 'a secret of the operator, long enough';
const audience = 'https://gpu-1.example:8501';
const asPem = { type: 'pkcs8', format: 'pem' } as const;
const newPem = {
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(asPem).toString(),
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(asPem).toString(),
  EdDSA: () => generateKeyPairSync('ed25519').privateKey.export(asPem).toString(),
};

const settings: SignerSettings = {
  upstreamJwtSecret: undefined,
  upstreamJwtPrivateKey: undefined,
  upstreamJwtAlg: undefined,
  upstreamJwtIssuer: 'skillgate',
  upstreamJwtTtlS: 300,
};

function signerWith(given: Partial<SignerSettings>, warn = vi.fn()): Signer {
  const signer = createSigner({ ...settings, ...given }, warn);
  if (signer === undefined) throw new Error('nothing to sign with');
  return signer;
}

async function tokenOf(signer: Signer, of = audience): Promise<string> {
  const header = await signer.credentials(of).authorization();
  return header?.replace(/^Bearer /, '') ?? '';
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 0, 1) });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a token', () => {
  test('has the claims of the contract, and begins a little before it was made', async () => {
    const nowS = Date.now() / 1000;
    const token = await tokenOf(signerWith({ upstreamJwtSecret: fixedSecret(secret) }));
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(decodeJwt(token)).toEqual({
      iss: 'skillgate',
      sub: 'skillgate',
      aud: audience,
      iat: nowS - 5,
      nbf: nowS - 5,
      exp: nowS + 295,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  test('of a shared secret verifies with it', async () => {
    const token = await tokenOf(signerWith({ upstreamJwtSecret: fixedSecret(secret) }));
    await expect(jwtVerify(token, Buffer.from(secret), { audience })).resolves.toBeDefined();
  });

  test.each(['RS256', 'ES256', 'EdDSA'] as const)(
    'of %s verifies with the public keys',
    async (algorithm) => {
      const signer = signerWith({ upstreamJwtPrivateKey: fixedSecret(newPem[algorithm]()) });
      const keys = createLocalJWKSet(JSON.parse(JSON.stringify(signer.jwks())));
      const { protectedHeader } = await jwtVerify(await tokenOf(signer), keys, {
        audience,
        issuer: 'skillgate',
      });
      expect(protectedHeader).toEqual({ alg: algorithm, typ: 'JWT', kid: signer.jwks().keys[0]?.kid });
    },
  );

  test('serves one audience, and all skills of that audience', async () => {
    const signer = signerWith({ upstreamJwtSecret: fixedSecret(secret) });
    const token = await tokenOf(signer);
    expect(await tokenOf(signer)).toBe(token);
    expect(decodeJwt(await tokenOf(signer, 'https://other.example')).aud).toBe('https://other.example');
  });

  test('is handed out at once while it is good, and replaced at 80 % of its life', async () => {
    const source = signerWith({ upstreamJwtSecret: fixedSecret(secret) }).credentials(audience);
    const first = await source.authorization();
    // The life began 5 s ago: 0.8 * 300 - 5 = 235.
    vi.advanceTimersByTime(234_999);
    expect(source.authorization()).toBe(first);
    vi.advanceTimersByTime(1);
    expect(await source.authorization()).not.toBe(first);
  });

  test('is made once, however many callers meet an old one', async () => {
    const source = signerWith({ upstreamJwtPrivateKey: fixedSecret(newPem.RS256()) }).credentials(audience);
    const headers = await Promise.all(Array.from({ length: 50 }, () => source.authorization()));
    expect(new Set(headers).size).toBe(1);
    vi.advanceTimersByTime(300_000);
    const later = await Promise.all(Array.from({ length: 50 }, () => source.authorization()));
    expect(new Set([...headers, ...later]).size).toBe(2);
  });
});

describe('a refused token', () => {
  const refusedSource = async () => {
    const source = signerWith({ upstreamJwtSecret: fixedSecret(secret) }).credentials(audience);
    return { source, refused: (await source.authorization()) ?? '' };
  };

  test('is replaced once, however many callers were refused', async () => {
    const { source, refused } = await refusedSource();
    vi.advanceTimersByTime(10_000);
    expect(await Promise.all([source.renew(refused), source.renew(refused)])).toEqual([true, true]);
    const fresh = await source.authorization();
    expect(fresh).not.toBe(refused);
    expect(await source.renew(refused)).toBe(true);
    expect(await source.authorization()).toBe(fresh);
  });

  test('is not replaced more than once a second by a server that refuses them all', async () => {
    const { source } = await refusedSource();
    const made = new Set<string | undefined>();
    let renewals = 0;
    for (let step = 0; step < 100; step++) {
      vi.advanceTimersByTime(50);
      const refused = (await source.authorization()) ?? '';
      made.add(refused);
      if (await source.renew(refused)) renewals++;
    }
    // Five seconds went by.
    expect(renewals).toBe(5);
    expect(made.size).toBe(5);
  });
});

describe('a key that is replaced', () => {
  test('signs no more, and its public half is shown until its last token has expired', async () => {
    const [old, fresh] = [newPem.ES256(), newPem.EdDSA()];
    let pem = old;
    const signer = signerWith({ upstreamJwtPrivateKey: { read: () => pem } });
    const oldToken = await tokenOf(signer);
    const [oldKid] = signer.jwks().keys.map((key) => key.kid);

    pem = fresh;
    const freshToken = await tokenOf(signer);
    const freshKid = decodeProtectedHeader(freshToken).kid;
    expect(freshKid).not.toBe(oldKid);
    expect(signer.jwks().keys.map((key) => key.kid)).toEqual([freshKid, oldKid]);
    const keys = createLocalJWKSet(JSON.parse(JSON.stringify(signer.jwks())));
    await expect(jwtVerify(oldToken, keys, { audience })).resolves.toBeDefined();
    await expect(jwtVerify(freshToken, keys, { audience })).resolves.toBeDefined();

    vi.advanceTimersByTime(300_000);
    expect(signer.jwks().keys).toHaveLength(2);
    vi.advanceTimersByTime(61_000);
    expect(signer.jwks().keys.map((key) => key.kid)).toEqual([freshKid]);
  });

  test('is shown before it signs, and once when it comes back', async () => {
    const [first, second] = [newPem.EdDSA(), newPem.EdDSA()];
    let pem = first;
    const signer = signerWith({ upstreamJwtPrivateKey: { read: () => pem } });
    const firstKid = signer.jwks().keys[0]?.kid;
    pem = second;
    expect(signer.jwks().keys).toHaveLength(2);
    pem = first;
    expect(signer.jwks().keys.map((key) => key.kid)).toEqual([firstKid, expect.any(String)]);
  });

  test('by something that is no key, or one for another algorithm, goes on signing; that is told', async () => {
    const warn = vi.fn();
    let pem = newPem.ES256();
    const signer = signerWith({ upstreamJwtPrivateKey: { read: () => pem }, upstreamJwtAlg: 'ES256' }, warn);
    const token = await tokenOf(signer);
    for (const unfit of ['nonsense', newPem.EdDSA()]) {
      pem = unfit;
      expect(await tokenOf(signer)).toBe(token);
      expect(await tokenOf(signer)).toBe(token);
      expect(warn).toHaveBeenLastCalledWith('signing_key_refused', expect.any(RangeError));
    }
    expect(warn).toHaveBeenCalledTimes(2);
  });

  test('as a shared secret has no public half', async () => {
    let text = secret;
    const signer = signerWith({ upstreamJwtSecret: { read: () => text } });
    await tokenOf(signer);
    text = 'another secret of the operator, as long';
    await expect(jwtVerify(await tokenOf(signer), Buffer.from(text))).resolves.toBeDefined();
    expect(signer.jwks()).toEqual({ keys: [] });
  });
});

test('a key for another algorithm than the one that is due is refused', () => {
  const key = fixedSecret(newPem.ES256());
  expect(() => signerWith({ upstreamJwtPrivateKey: key, upstreamJwtAlg: 'RS256' })).toThrow(RangeError);
});

test('without a secret and a key there is no signer', () => {
  expect(createSigner(settings, vi.fn())).toBeUndefined();
});

test('the public keys are served to anybody, for a short time', async () => {
  const signer = signerWith({ upstreamJwtPrivateKey: fixedSecret(newPem.ES256()) });
  const app = fastify();
  onTestFinished(() => app.close());
  let isPublic: boolean | undefined;
  app.addHook('onRequest', async (request) => {
    isPublic = request.routeOptions.config.public;
  });
  app.register(jwksEntrypoint, { jwks: signer.jwks });
  const answer = await app.inject('/.well-known/jwks.json');
  expect(answer.headers).toMatchObject({
    'content-type': expect.stringMatching(/^application\/jwk-set\+json(;|$)/),
    'cache-control': 'public, max-age=60',
  });
  expect(answer.json()).toEqual({ keys: [expect.objectContaining({ kty: 'EC', alg: 'ES256', use: 'sig' })] });
  expect(answer.json().keys[0]).not.toHaveProperty('d');
  expect(isPublic).toBe(true);
});
