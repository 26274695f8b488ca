import { expect, it, onTestFinished } from 'vitest';
import { definitionOf, readJson, startApp } from '../app.ts';
import { type IdentityProvider, knownClient, startIdentityProvider } from '../servers/identity-provider.ts';
import { json, startModelServer } from '../servers/model-server.ts';

const env = { ID_SECRET: knownClient.secret };

/** A model server that takes the provider's tokens and no others. */
async function startGuardedModel(provider: IdentityProvider) {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(async (response, request) => {
    const known = await provider.accepts(request.headers.authorization);
    const answer = known ? json({ prediction: 'in' }) : json({ error: 'token unknown' }, { status: 401 });
    answer(response, request);
  });
  return model;
}

async function startProvider(): Promise<IdentityProvider> {
  const provider = await startIdentityProvider();
  onTestFinished(() => provider.close());
  return provider;
}

function guarded(url: string, tokenUrl: string, more: Readonly<Record<string, unknown>> = {}) {
  return definitionOf(url, {
    auth: { type: 'oauth2', token_url: tokenUrl, client_id: knownClient.id, client_secret_env: 'ID_SECRET' },
    cache: { enabled: false },
    ...more,
  });
}

it('presents a token of the identity provider, one for all skills', async () => {
  const provider = await startProvider();
  const model = await startGuardedModel(provider);
  const { post } = await startApp(
    [guarded(model.url, provider.tokenUrl), guarded(model.url, provider.tokenUrl, { name: 'other' })],
    env,
  );
  const responses = await Promise.all([
    post({ text: 'a' }),
    post({ text: 'b' }),
    post({ text: 'c' }, { path: '/skills/other' }),
  ]);
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(provider.requests).toHaveLength(1);
});

it('renews the token once when the provider has changed its keys', async () => {
  const provider = await startProvider();
  const model = await startGuardedModel(provider);
  const { post } = await startApp([guarded(model.url, provider.tokenUrl)], env);
  expect((await post({ text: 'a' })).status).toBe(200);
  provider.rotateKey();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const responses = await Promise.all(['b', 'c', 'd'].map((text) => post({ text })));
  expect(responses.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(provider.requests).toHaveLength(2);
});

it('says upstream_unauthorized, and why, where there is no token to be had', async () => {
  const provider = await startProvider();
  const model = await startGuardedModel(provider);
  const { post } = await startApp([guarded(model.url, provider.tokenUrl)], { ID_SECRET: 'wrong' });
  const response = await post({ text: 'a' });
  expect(response.status).toBe(502);
  expect(await readJson(response)).toMatchObject({
    code: 'upstream_unauthorized',
    detail: 'The identity provider answered 401: invalid_client, Client secret is wrong.',
  });
  expect(model.requests.filter(({ path }) => path === '/predict')).toHaveLength(0);
});

it('asks no provider that is not among UPSTREAM_ALLOW_HOSTS', async () => {
  const provider = await startProvider();
  const model = await startGuardedModel(provider);
  const { post } = await startApp([guarded(model.url, provider.tokenUrl)], {
    ...env,
    UPSTREAM_ALLOW_HOSTS: new URL(model.url).host,
  });
  expect(await readJson(await post({ text: 'a' }))).toMatchObject({
    code: 'upstream_unauthorized',
    detail: expect.stringContaining('is not among UPSTREAM_ALLOW_HOSTS'),
  });
  expect(provider.requests).toHaveLength(0);
});

it('names the variable of a secret that is missing, and does not start', async () => {
  const definition = guarded('http://127.0.0.1:1', 'https://id.example/token');
  await expect(startApp([definition])).rejects.toThrow('/auth/client_secret_env');
});
