import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type InjectOptions } from 'fastify';
import { exportJWK, type JWK, SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SkillgateError } from '../../src/contracts/errors.ts';
import { problemMediaType, retryAfterSeconds, toProblem } from '../../src/contracts/problem.ts';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { type CallerSettings, createCallerVerifier } from '../../src/credentials/caller-verifier.ts';
import { fixedSecret } from '../../src/lib/secret.ts';
import { authentication } from '../../src/plugins/authentication.ts';

const secret = 'a secret of the operator, long enough';
const audience = 'https://gateway.example';
const issuer = 'https://id.example';
const noSettings: CallerSettings = {
  authApiKeys: undefined,
  authJwtJwksUrl: undefined,
  authJwtSecret: undefined,
  authJwtIssuer: undefined,
  authJwtAudience: undefined,
};

let open: { close(): Promise<unknown> }[] = [];
const warn = vi.fn();
beforeEach(() => warn.mockReset());
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await Promise.all(open.map((each) => each.close()));
  open = [];
});

/** A gateway of two routes that says who calls. */
function gatewayWith(settings: Partial<CallerSettings>, host = '127.0.0.1'): FastifyInstance {
  const app = fastify();
  open.push(app);
  app.register(authentication, {
    verify: createCallerVerifier({ ...noSettings, ...settings }, warn),
    host,
    hasResourceMetadata: false,
  });
  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof SkillgateError)) throw error;
    const problem = toProblem(error, request.id);
    const seconds = retryAfterSeconds(error);
    if (seconds !== undefined) reply.header('retry-after', seconds);
    reply.code(problem.status).type(problemMediaType).send(problem);
  });
  app.register(async (routes) => {
    const whoCalls = {
      handler: async ({ caller }: { caller: { id: string; skills: ReadonlySet<string> | '*' } }) => ({
        id: caller.id,
        skills: caller.skills === '*' ? '*' : [...caller.skills],
      }),
    };
    routes.get('/who', whoCalls);
    routes.post('/who', whoCalls);
    routes.get('/livez', { ...whoCalls, config: { public: true } });
  });
  return app;
}

async function ask(app: FastifyInstance, headers: InjectOptions['headers'] = {}, url = '/who') {
  const answer = await app.inject({ url, headers: { host: 'localhost:8080', ...headers } });
  return {
    status: answer.statusCode,
    body: answer.json<{ id?: string; skills?: unknown; code?: string; detail?: string }>(),
    challenge: answer.headers['www-authenticate'],
    retryAfter: answer.headers['retry-after'],
  };
}

const askWith = (app: FastifyInstance, token: string) => ask(app, { authorization: `Bearer ${token}` });

interface TokenPlan {
  /** Beside the usual ones, or instead of them; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly alg?: string;
  readonly kid?: string;
  readonly key?: KeyObject | Uint8Array;
}

function tokenOf({
  claims = {},
  alg = 'HS256',
  kid,
  key = Buffer.from(secret),
}: TokenPlan = {}): Promise<string> {
  const nowS = Math.floor(Date.now() / 1000);
  const all = { sub: 'alice', aud: audience, iss: issuer, exp: nowS + 300, scope: 'skill:*', ...claims };
  return new SignJWT(JSON.parse(JSON.stringify(all)))
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .sign(key);
}

describe('API keys', () => {
  const all = createApiKey('ci');
  const some = createApiKey('ops', ['detect_language']);
  const settings = { authApiKeys: fixedSecret(`${all.entry},${some.entry}`) };

  test('open as a bearer token and as X-API-Key', async () => {
    const app = gatewayWith(settings);
    expect((await ask(app, { authorization: `Bearer ${all.key}` })).body).toEqual({ id: 'ci', skills: '*' });
    expect((await ask(app, { authorization: `bearer  ${all.key}` })).status).toBe(200);
    expect((await ask(app, { 'x-api-key': some.key })).body).toEqual({
      id: 'ops',
      skills: ['detect_language'],
    });
  });

  test('beside credentials of another scheme are found in X-API-Key', async () => {
    const headers = { authorization: 'Basic dTpw', 'x-api-key': all.key };
    expect((await ask(gatewayWith(settings), headers)).status).toBe(200);
  });

  test('that are not there are asked for', async () => {
    for (const headers of [
      {},
      { authorization: 'Basic dTpw' },
      { authorization: 'Bearer' },
      { 'x-api-key': '' },
    ]) {
      const answer = await ask(gatewayWith(settings), headers);
      expect(answer).toMatchObject({ status: 401, challenge: 'Bearer realm="skillgate"' });
      expect(answer.body).toMatchObject({
        code: 'unauthenticated',
        detail: expect.stringContaining('X-API-Key'),
      });
    }
  });

  test('that are not known are refused without being repeated', async () => {
    const answer = await askWith(gatewayWith(settings), 'sgk_unknown');
    expect(answer.status).toBe(401);
    expect(answer.challenge).toBe(
      'Bearer realm="skillgate", error="invalid_token", error_description="The API key is not known."',
    );
    expect(JSON.stringify(answer)).not.toContain('sgk_unknown');
  });

  test('do not open with their hash', async () => {
    expect((await askWith(gatewayWith(settings), all.entry.slice('ci:'.length))).status).toBe(401);
  });

  test('are asked for on routes that do not exist as well', async () => {
    expect((await ask(gatewayWith(settings), {}, '/absent')).status).toBe(401);
  });

  test('are not asked for on public routes, where the caller may use nothing', async () => {
    const answer = await ask(gatewayWith(settings), {}, '/livez');
    expect(answer).toMatchObject({ status: 200, body: { id: 'anonymous', skills: [] } });
  });
});

describe('JWTs with a shared secret', () => {
  const settings = { authJwtSecret: fixedSecret(secret), authJwtAudience: audience, authJwtIssuer: issuer };

  test.each([
    [{ scope: 'skill:*' }, '*'],
    [{ scope: 'openid skill:detect_language skill:summarise email' }, ['detect_language', 'summarise']],
    [{ scope: undefined, scp: ['skill:detect_language', 'other'] }, ['detect_language']],
    [{ scope: undefined, scp: 'skill:detect_language skill:a' }, ['detect_language', 'a']],
    [{ scope: 'skill:a', scp: ['skill:*'] }, '*'],
    [{ scope: undefined }, []],
    [{ scope: 'SKILL:a skills:* skill' }, []],
    [{ scope: undefined, scp: [1, null, {}] }, []],
  ])('with %o cover %o', async (claims, skills) => {
    const answer = await askWith(gatewayWith(settings), await tokenOf({ claims }));
    expect(answer.body).toEqual({ id: 'jwt:alice', skills });
  });

  const nowS = () => Math.floor(Date.now() / 1000);
  test.each<[string, TokenPlan, string]>([
    ['has expired', { claims: { exp: nowS() - 60 } }, 'The token has expired.'],
    ['never expires', { claims: { exp: undefined } }, "The token's claim exp is missing."],
    ['is not good yet', { claims: { nbf: nowS() + 60 } }, "The token's claim nbf does not fit."],
    ['is for another', { claims: { aud: 'https://other' } }, "The token's claim aud does not fit."],
    ['is for nobody', { claims: { aud: undefined } }, "The token's claim aud is missing."],
    ['comes from another', { claims: { iss: 'https://other' } }, "The token's claim iss does not fit."],
    ['has no subject', { claims: { sub: undefined } }, "The token's claim sub is missing."],
    ['has an empty subject', { claims: { sub: '' } }, "The token's claim sub is not a text."],
    [
      'has another signature',
      { key: Buffer.from('another secret of somebody, as long as') },
      "The token's signature does not fit.",
    ],
    [
      'has another algorithm',
      { alg: 'HS512', key: Buffer.from(secret.repeat(2)) },
      'signed with an algorithm that is not taken',
    ],
  ])('of which one %s are refused, and the reason is told', async (_what, plan, detail) => {
    const answer = await askWith(gatewayWith(settings), await tokenOf(plan));
    expect(answer.status).toBe(401);
    expect(answer.body.detail).toContain(detail);
    expect(answer.challenge).toContain('error="invalid_token"');
  });

  test('may be from a clock that is a little apart', async () => {
    const app = gatewayWith(settings);
    expect((await askWith(app, await tokenOf({ claims: { nbf: nowS() + 8 } }))).status).toBe(200);
    expect((await askWith(app, await tokenOf({ claims: { exp: nowS() - 8 } }))).status).toBe(200);
  });

  test('are refused without a signature, or with one that somebody made up', async () => {
    const [, payload] = (await tokenOf()).split('.');
    const none = Buffer.from('{"alg":"none"}').toString('base64url');
    const app = gatewayWith(settings);
    for (const token of [`${none}.${payload}.`, `${none}.${payload}.AAAA`, 'a.b.c', '..', 'eyJ', '{}']) {
      expect((await askWith(app, token)).status).toBe(401);
    }
  });

  test('are verified once, and once more when a minute has gone by', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const app = gatewayWith(settings);
    const verified = vi.spyOn(crypto.subtle, 'verify');
    const token = await tokenOf();
    for (let call = 0; call < 5; call++) expect((await askWith(app, token)).body.id).toBe('jwt:alice');
    expect(verified).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(61_000);
    await askWith(app, token);
    expect(verified).toHaveBeenCalledTimes(2);
  });

  test('are not remembered beyond their own end', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const app = gatewayWith(settings);
    const token = await tokenOf({ claims: { exp: nowS() + 5 } });
    expect((await askWith(app, token)).status).toBe(200);
    vi.advanceTimersByTime(16_000);
    expect((await askWith(app, token)).status).toBe(401);
  });

  test('work beside API keys, and never take the name of one', async () => {
    const { key, entry } = createApiKey('alice');
    const app = gatewayWith({ ...settings, authApiKeys: fixedSecret(entry) });
    expect((await askWith(app, key)).body.id).toBe('alice');
    expect((await askWith(app, await tokenOf())).body.id).toBe('jwt:alice');
    expect((await askWith(app, 'neither')).body.detail).toContain('no key and no token');
  });
});

interface KeyPair {
  readonly alg: string;
  readonly kid: string;
  readonly key: KeyObject;
  readonly jwk: JWK;
}

async function keyPairOf(alg: string, kid: string): Promise<KeyPair> {
  const { privateKey, publicKey } =
    alg === 'EdDSA'
      ? generateKeyPairSync('ed25519')
      : alg === 'ES256'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { alg, kid, key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

describe('JWTs with a remote JWKS', () => {
  /** An identity provider: `answer` says how it answers, `requests` how often it was asked. */
  async function startProvider(...keys: KeyPair[]) {
    const provider = {
      keys: keys.map(({ jwk }) => jwk),
      requests: 0,
      answer: (response: ServerResponse): unknown => response.end(JSON.stringify({ keys: provider.keys })),
    };
    const server = createServer((_request, response) => {
      provider.requests++;
      provider.answer(response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({
      close: async () => {
        server.closeAllConnections();
        server.close();
      },
    });
    const { port } = server.address() as AddressInfo;
    const url = new URL(`http://127.0.0.1:${port}/jwks`);
    const app = gatewayWith({ authJwtJwksUrl: url, authJwtAudience: audience, authJwtIssuer: issuer });
    return { provider, app };
  }

  test.each(['RS256', 'PS256', 'ES256', 'EdDSA'])(
    'of %s are verified with its keys, fetched once',
    async (alg) => {
      const pair = await keyPairOf(alg, 'one');
      const { provider, app } = await startProvider(pair);
      const tokens = await Promise.all([
        tokenOf(pair),
        tokenOf(pair),
        tokenOf({ ...pair, claims: { sub: 'bob' } }),
      ]);
      const answers = await Promise.all(tokens.map((token) => askWith(app, token)));
      expect(answers.map(({ body }) => body.id)).toEqual(['jwt:alice', 'jwt:alice', 'jwt:bob']);
      expect(provider.requests).toBe(1);
    },
  );

  test('follow the keys when they rotate', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const [old, fresh] = await Promise.all([keyPairOf('ES256', 'old'), keyPairOf('ES256', 'fresh')]);
    const { provider, app } = await startProvider(old);
    expect((await askWith(app, await tokenOf(old))).status).toBe(200);
    provider.keys = [fresh.jwk];
    vi.advanceTimersByTime(11_000);
    expect((await askWith(app, await tokenOf(fresh))).status).toBe(200);
    expect((await askWith(app, await tokenOf(old))).body.detail).toContain('a key that is not known here');
  });

  test('with made-up keys do not make the gateway fetch again and again', async () => {
    const pair = await keyPairOf('ES256', 'one');
    const { provider, app } = await startProvider(pair);
    await askWith(app, await tokenOf(pair));
    for (let call = 0; call < 10; call++) {
      expect((await askWith(app, await tokenOf({ ...pair, kid: `made-up-${call}` }))).status).toBe(401);
    }
    expect(provider.requests).toBe(1);
  });

  test('without kid are tried with each key that may fit', async () => {
    const [one, two, three] = await Promise.all(
      ['one', 'two', 'three'].map((kid) => keyPairOf('ES256', kid)),
    );
    if (!one || !two || !three) throw new Error('three pairs are due');
    const { app } = await startProvider(one, two);
    expect((await askWith(app, await tokenOf({ alg: 'ES256', key: two.key }))).status).toBe(200);
    expect((await askWith(app, await tokenOf({ alg: 'ES256', key: three.key }))).body.detail).toContain(
      'signature',
    );
  });

  test('are not verified with a public key as if it were a shared secret', async () => {
    const pair = await keyPairOf('RS256', 'one');
    const { app } = await startProvider(pair);
    const forged = await tokenOf({ alg: 'HS256', kid: 'one', key: Buffer.from(JSON.stringify(pair.jwk)) });
    expect((await askWith(app, forged)).body.detail).toContain('algorithm that is not taken');
  });

  test.each<[string, (response: ServerResponse) => unknown]>([
    ['answers 500', (response) => response.writeHead(500).end('broken')],
    ['redirects', (response) => response.writeHead(302, { location: '/elsewhere' }).end()],
    ['answers with HTML', (response) => response.end('<html>')],
    ['answers with something else', (response) => response.end('{"keys":"none"}')],
    ['hangs up', (response) => response.destroy()],
  ])(
    'are no fault of the caller when the provider %s, and it is left alone for a while',
    async (_how, answer) => {
      vi.useFakeTimers({ toFake: ['Date'] });
      const pair = await keyPairOf('ES256', 'one');
      const { provider, app } = await startProvider(pair);
      const healthy = provider.answer;
      provider.answer = answer;
      const token = await tokenOf(pair);
      const first = await askWith(app, token);
      expect(first).toMatchObject({ status: 500, retryAfter: '2', challenge: undefined });
      expect(first.body.detail).toBe('The keys that verify tokens cannot be fetched at the moment.');
      await askWith(app, token);
      expect(provider.requests).toBe(1);
      expect(warn).toHaveBeenCalledExactlyOnceWith('jwks_fetch_failed', expect.any(Error));

      provider.answer = healthy;
      vi.advanceTimersByTime(2001);
      expect((await askWith(app, token)).status).toBe(200);
    },
  );

  test('go on with the keys at hand while the provider is gone, and without waiting for it', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const pair = await keyPairOf('ES256', 'one');
    const { provider, app } = await startProvider(pair);
    await askWith(app, await tokenOf(pair));
    provider.answer = () => undefined;
    vi.advanceTimersByTime(601_000);
    expect((await askWith(app, await tokenOf(pair))).status).toBe(200);
    await vi.waitFor(() => expect(provider.requests).toBe(2));
  });
});

describe('without credentials', () => {
  test('everybody on this machine is let in', async () => {
    expect(await ask(gatewayWith({}))).toMatchObject({ status: 200, body: { id: 'anonymous', skills: '*' } });
  });

  test.each(['localhost', 'localhost:8080', '127.0.0.1:8080', '[::1]:8080', 'skillgate.localhost'])(
    'on loopback the name %s is answered',
    async (host) => {
      expect((await ask(gatewayWith({}), { host })).status).toBe(200);
    },
  );

  test.each(['rebound.example', 'rebound.example:8080', '10.0.0.1', 'localhost.example'])(
    'on loopback the name "%s" is not: DNS may have been made to lead here',
    async (host) => {
      const answer = await ask(gatewayWith({}), { host });
      expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      expect((await ask(gatewayWith({}), { host }, '/livez')).status).toBe(200);
    },
  );

  test('beyond loopback any name is answered', async () => {
    expect((await ask(gatewayWith({}, '0.0.0.0'), { host: 'gateway.example' })).status).toBe(200);
  });

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost.evil.example' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'cross-site', origin: 'http://localhost:8080' },
  ])('a page of another site is refused: %o', async (headers) => {
    for (const host of ['127.0.0.1', '0.0.0.0']) {
      expect((await ask(gatewayWith({}, host), headers)).status).toBe(403);
    }
  });

  test('its own pages are let in, and on loopback those of other local servers', async () => {
    const browser = {
      'sec-fetch-site': 'same-origin',
      origin: 'http://gateway.example:8080',
      host: 'gateway.example:8080',
    };
    expect((await ask(gatewayWith({}, '0.0.0.0'), browser)).status).toBe(200);
    expect(
      (await ask(gatewayWith({}, '0.0.0.0'), { ...browser, origin: 'http://gateway.example:9' })).status,
    ).toBe(403);
    const local = { 'sec-fetch-site': 'same-site', origin: 'http://localhost:5173' };
    expect((await ask(gatewayWith({}), local)).status).toBe(200);
    expect((await ask(gatewayWith({}, '0.0.0.0'), local)).status).toBe(403);
  });

  test('credentials make these checks needless', async () => {
    const { key, entry } = createApiKey('web');
    const headers = {
      authorization: `Bearer ${key}`,
      origin: 'https://app.example',
      host: 'rebound.example',
    };
    expect((await ask(gatewayWith({ authApiKeys: fixedSecret(entry) }), headers)).status).toBe(200);
  });
});

test('tokens are not taken without an audience', () => {
  expect(() => createCallerVerifier({ ...noSettings, authJwtSecret: fixedSecret(secret) }, warn)).toThrow(
    TypeError,
  );
});
