import { decodeJwt } from 'jose';
import { expect, test, vi } from 'vitest';
import type { SkillAuth } from '../../src/contracts/skill-definition.ts';
import type { CredentialSource } from '../../src/contracts/transport.ts';
import { CredentialError, createCredentialSource } from '../../src/credentials/credential-source.ts';
import { createOAuth2Tokens } from '../../src/credentials/oauth2.ts';
import { createSigner } from '../../src/credentials/signer.ts';
import { fixedSecret } from '../../src/lib/secret.ts';

const origin = 'https://gpu-1.example:8501';
const signer = createSigner(
  {
    upstreamJwtSecret: fixedSecret('a secret of the operator, long enough'),
    upstreamJwtPrivateKey: undefined,
    upstreamJwtAlg: undefined,
    upstreamJwtIssuer: 'skillgate',
    upstreamJwtTtlS: 300,
  },
  vi.fn(),
);

const oauth2 = createOAuth2Tokens(
  { exchange: () => Promise.reject(new Error('no provider is asked here')) },
  vi.fn(),
);

function sourceOf(
  auth: SkillAuth,
  secret: (name: string) => string | undefined = () => undefined,
): CredentialSource {
  return createCredentialSource({ skill: 'translate', auth, origin, secret, oauth2, signer });
}

function faultOf(action: () => unknown): CredentialError {
  try {
    action();
  } catch (error) {
    if (error instanceof CredentialError) return error;
    throw error;
  }
  throw new Error('no fault');
}

test('none presents nothing and has nothing to renew', async () => {
  const source = sourceOf({ type: 'none' });
  expect(source.authorization()).toBeUndefined();
  expect(await source.renew('')).toBe(false);
});

test('bearer presents the token that the variable holds', () => {
  const source = sourceOf({ type: 'bearer', token_env: 'MODEL_TOKEN' }, (name) => `${name}-value`);
  expect(source.authorization()).toBe('Bearer MODEL_TOKEN-value');
});

test('basic presents user name and password in UTF-8', () => {
  // The example of RFC 7617, section 2.1.
  const source = sourceOf({ type: 'basic', username: 'test', password_env: 'P' }, () => '123£');
  expect(source.authorization()).toBe('Basic dGVzdDoxMjPCow==');
});

test('jwt is made for the origin of the model server, or for the audience that the skill names', async () => {
  const claimsOf = async (auth: SkillAuth) =>
    decodeJwt((await sourceOf(auth).authorization())?.replace('Bearer ', '') ?? '');
  expect(await claimsOf({ type: 'jwt' })).toMatchObject({ aud: origin, iss: 'skillgate' });
  expect(await claimsOf({ type: 'jwt', audience: 'models' })).toMatchObject({ aud: 'models' });
});

test('a token that has changed is presented at the next call, and is worth another try', async () => {
  let token = 'one';
  const source = sourceOf({ type: 'bearer', token_env: 'T' }, () => token);
  expect(await source.renew('Bearer one')).toBe(false);
  token = 'two';
  expect(await source.renew('Bearer one')).toBe(true);
  expect(source.authorization()).toBe('Bearer two');
});

test('a variable that is not set is told with the skill, the field and its name', () => {
  const fault = faultOf(() => sourceOf({ type: 'bearer', token_env: 'MODEL_TOKEN' }));
  expect(fault.pointer).toBe('/auth/token_env');
  expect(fault.message).toBe(
    'skill translate: auth.token_env names MODEL_TOKEN, which is not set, and neither is MODEL_TOKEN_FILE',
  );
});

test('a variable that cannot be read is told with its reason', () => {
  const secret = () => {
    throw new Error('both are given');
  };
  const fault = faultOf(() => sourceOf({ type: 'basic', username: 'u', password_env: 'P' }, secret));
  expect(fault.pointer).toBe('/auth/password_env');
  expect(fault.message).toContain('names P, which cannot be read: both are given');
});

test.each([
  [{ type: 'bearer', token_env: 'T' }, 'two\r\nX-Evil: lines'],
  [{ type: 'bearer', token_env: 'T' }, 'ümlaut'],
  [{ type: 'basic', username: 'u', password_env: 'P' }, 'two\nlines'],
] satisfies [SkillAuth, string][])(
  '%o refuses a value that a header cannot carry, without telling it',
  (auth, value) => {
    const fault = faultOf(() => sourceOf(auth, () => value));
    expect(fault.message).toContain('characters that the header cannot carry');
    expect(fault.message).not.toContain(value);
  },
);

test('jwt without a key to sign with is refused', () => {
  const fault = faultOf(() =>
    createCredentialSource({
      skill: 's',
      auth: { type: 'jwt' },
      origin,
      secret: () => undefined,
      oauth2,
      signer: undefined,
    }),
  );
  expect(fault.message).toContain('neither UPSTREAM_JWT_SECRET nor UPSTREAM_JWT_PRIVATE_KEY is set');
});

const client = {
  type: 'oauth2',
  token_url: 'https://id.example/token',
  client_id: 'skillgate',
  client_secret_env: 'ID_SECRET',
} as const satisfies SkillAuth;

test('skills that name the same client share what is presented, and others do not', () => {
  const secret = () => 's3cret';
  const source = sourceOf(client, secret);
  expect(sourceOf({ ...client }, secret)).toBe(source);
  expect(sourceOf({ ...client, scope: 'infer' }, secret)).not.toBe(source);
  expect(sourceOf({ ...client, client_secret_env: 'OTHER' }, secret)).not.toBe(source);
});

test.each([
  [
    'a secret that is not set',
    client,
    undefined,
    '/auth/client_secret_env',
    'names ID_SECRET, which is not set',
  ],
  [
    'a URL that is none',
    { ...client, token_url: 'https://' },
    's',
    '/auth/token_url',
    'has to be a whole URL',
  ],
  [
    'a URL with a password',
    { ...client, token_url: 'https://a:b@id.example/t' },
    's',
    '/auth/token_url',
    'without a user',
  ],
])('oauth2 with %s is refused', (_what, auth, secret, pointer, message) => {
  const fault = faultOf(() => sourceOf(auth, () => secret));
  expect(fault.pointer).toBe(pointer);
  expect(fault.message).toContain(message);
});
