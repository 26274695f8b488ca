import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { SkillgateError } from '../../src/contracts/errors.ts';
import type { CredentialSource } from '../../src/contracts/transport.ts';
import { createOAuth2Tokens, type OAuth2Tokens } from '../../src/credentials/oauth2.ts';
import type { OAuth2Client } from '../../src/credentials/oauth2-request.ts';
import { createTransports, type Transports } from '../../src/transport/transports.ts';
import { type IdentityProvider, knownClient, startIdentityProvider } from '../servers/identity-provider.ts';
import { unusedPort } from '../servers/listen.ts';

let provider: IdentityProvider;
let transports: Transports;
let tokens: OAuth2Tokens;
const warn = vi.fn<(event: string, error: unknown) => void>();

beforeEach(async () => {
  provider = await startIdentityProvider();
  transports = createTransports();
  tokens = createOAuth2Tokens(transports.for({ timeouts: { connect_ms: 3000, tls_ms: 3000 } }), warn);
  warn.mockReset();
});

afterEach(async () => {
  vi.useRealTimers();
  tokens.close();
  await transports.close();
  await provider.close();
});

function credentials(overrides: Partial<OAuth2Client> = {}, from: OAuth2Tokens = tokens): CredentialSource {
  return from.credentials(
    {
      tokenUrl: new URL(provider.tokenUrl),
      clientId: knownClient.id,
      secret: () => knownClient.secret,
      clientAuth: 'basic',
      scope: undefined,
      audience: undefined,
      ...overrides,
    },
    'ID_SECRET',
  );
}

/** Moves the clock that tokens end by, and that renewals wait for, but not the sockets'. */
function useClock(): { pass(ms: number): Promise<void> } {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  return { pass: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)) };
}

async function refusalOf(source: CredentialSource): Promise<SkillgateError> {
  try {
    await source.authorization();
  } catch (error) {
    return error as SkillgateError;
  }
  return expect.fail('there is a token');
}

/** Waits, on the real clock, until something holds. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}

test('all who ask share one token, and it is fetched once', async () => {
  provider.delayMs = 20;
  const shared = await Promise.all(Array.from({ length: 50 }, () => credentials().authorization()));
  expect(new Set(shared).size).toBe(1);
  expect(await provider.accepts(shared[0])).toBe(true);
  expect(await credentials().authorization()).toBe(shared[0]);
  expect(provider.requests).toHaveLength(1);
});

test('name and secret go in the Authorization header, whatever characters they have, or in the body', async () => {
  await credentials({ scope: 'infer read', audience: 'gpu-1' }).authorization();
  await credentials({ clientAuth: 'post' }).authorization();
  expect(provider.requests).toEqual([
    {
      authorization: expect.stringMatching(/^Basic /),
      form: { grant_type: 'client_credentials', scope: 'infer read', audience: 'gpu-1' },
    },
    {
      authorization: undefined,
      form: {
        grant_type: 'client_credentials',
        client_id: knownClient.id,
        client_secret: knownClient.secret,
      },
    },
  ]);
});

test('a token is renewed beside the calls before it ends, and the old one serves meanwhile', async () => {
  const clock = useClock();
  const source = credentials();
  const first = await source.authorization();
  expect(source.authorization()).toBe(first);
  await clock.pass(225_000);
  expect(source.authorization()).toBe(first);
  await until(() => source.authorization() !== first);
  expect(provider.requests).toHaveLength(2);
});

test('a token that nobody uses is not renewed, and the next call fetches another', async () => {
  const clock = useClock();
  const source = credentials();
  const first = await source.authorization();
  await clock.pass(3_600_000);
  expect(provider.requests).toHaveLength(1);
  expect(await source.authorization()).not.toBe(first);
});

test('a provider that fails costs nothing while the token is good, and is told about', async () => {
  const clock = useClock();
  const source = credentials();
  const first = await source.authorization();
  source.authorization();
  provider.fails = () => true;
  await clock.pass(225_000);
  while (warn.mock.calls.length === 0) {
    expect(source.authorization()).toBe(first);
    await clock.pass(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(warn).toHaveBeenCalledWith(
    'oauth2_token_renewal_failed',
    expect.objectContaining({ code: 'upstream_unauthorized' }),
  );
  expect(source.authorization()).toBe(first);
  provider.fails = () => false;
  await clock.pass(5000);
  await until(() => source.authorization() !== first);
});

test('a provider that is slow and fails 15 % of the time still gives tokens', async () => {
  // A fixed sequence, so that the test is the same every time: 15 of 100, some of them neighbours.
  const failing = new Set([3, 4, 11, 17, 18, 19, 29, 36, 47, 58, 59, 70, 81, 90, 99]);
  provider.fails = (number) => failing.has(number % 100);
  provider.delayMs = 5;
  const sources = Array.from({ length: 40 }, (_, index) => credentials({ scope: `skill-${index}` }));
  const given = await Promise.all(sources.map((source) => source.authorization()));
  for (const authorization of given) expect(await provider.accepts(authorization)).toBe(true);
  expect(provider.requests.length).toBeGreaterThan(40);
});

test('a token that a server refuses is renewed once for all who met the refusal', async () => {
  const source = credentials();
  const first = (await source.authorization()) ?? expect.fail();
  provider.rotateKey();
  // The renewal of a token that is younger than a second would be in vain.
  vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 2000);
  expect(await Promise.all([source.renew(first), source.renew(first), source.renew(first)])).toEqual([
    true,
    true,
    true,
  ]);
  vi.restoreAllMocks();
  expect(await provider.accepts((await source.authorization()) ?? '')).toBe(true);
  expect(provider.requests).toHaveLength(2);
});

test('a token that was just made is not renewed when a server refuses it', async () => {
  const source = credentials();
  const first = (await source.authorization()) ?? expect.fail();
  expect(await source.renew(first)).toBe(false);
  expect(provider.requests).toHaveLength(1);
});

test("a refusal says why in the provider's own words, and is not asked for again and again", async () => {
  const source = credentials({ secret: () => 'wrong' });
  expect(await refusalOf(source)).toMatchObject({
    code: 'upstream_unauthorized',
    message: 'The identity provider answered 401: invalid_client, Client secret is wrong.',
    mayHaveRun: false,
  });
  expect((await refusalOf(source)).retryAfterMs).toBe(2000);
  expect(provider.requests).toHaveLength(1);
});

test.each([
  ['something else than JSON', { status: 200, body: '<html>' }, 'gave an answer that is none'],
  ['no token', { status: 200, body: '{"token_type":"Bearer"}' }, 'gave an answer that is none'],
  [
    'a token of another type',
    { status: 200, body: '{"access_token":"a","token_type":"dpop"}' },
    'gave a token of type dpop, not Bearer',
  ],
  ['a redirect', { status: 302, body: '', headers: { location: 'https://login.example/' } }, 'answered 302'],
  ['a server error', { status: 500, body: 'oops' }, 'answered 500'],
  ['a refusal without JSON', { status: 400, body: 'no' }, 'gave an answer that is none'],
])('says so when the provider answers with %s', async (_what, refusal, message) => {
  const clock = useClock();
  provider.refusal = refusal;
  const refused = refusalOf(credentials());
  let settled = false;
  void refused.then(() => {
    settled = true;
  });
  while (!settled) {
    await clock.pass(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect((await refused).code).toBe('upstream_unauthorized');
  expect((await refused).message).toContain(`The identity provider ${message}`);
});

test('a provider that hangs is left after its time, and says so', async () => {
  provider.delayMs = 60_000;
  const impatient = createOAuth2Tokens(
    transports.for({ timeouts: { connect_ms: 3000, tls_ms: 3000 } }),
    warn,
    10,
  );
  expect((await refusalOf(credentials({}, impatient))).message).toBe(
    'The identity provider did not answer within 10 ms.',
  );
  expect(provider.requests).toHaveLength(5);
});

test('a provider that is not there is said so', async () => {
  const source = credentials({ tokenUrl: new URL(`http://127.0.0.1:${await unusedPort()}/token`) });
  expect((await refusalOf(source)).message).toMatch(/^The identity provider cannot be reached: /);
});

test('a metadata address is never asked for a token', async () => {
  const source = credentials({ tokenUrl: new URL('http://169.254.169.254/token') });
  expect((await refusalOf(source)).message).toContain('metadata addresses are never dialled');
});

test('a token without a time counts as good for five minutes', async () => {
  provider.expiresInS = undefined;
  const clock = useClock();
  const source = credentials();
  const first = await source.authorization();
  await clock.pass(220_000);
  expect(source.authorization()).toBe(first);
  await clock.pass(71_000);
  expect(await source.authorization()).not.toBe(first);
});
