import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { definitionOf, type RunningApp, startApp, type WrittenDefinition, writeDefinition } from '../app.ts';
import { json, after as late, type ModelServer, startModelServer } from '../servers/model-server.ts';
import { startRelay } from '../servers/relay.ts';
import { redisOfThisFile } from '../stores/redis/redis.ts';

const redis = redisOfThisFile();

async function startModel(): Promise<ModelServer> {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive' }));
  return model;
}

/** What the model was asked, without its probes. */
const callsOf = (model: ModelServer) => model.requests.filter(({ method }) => method === 'POST').length;

/** Two gateways with the same definitions on one Redis. */
async function startTwo(
  definitions: readonly WrittenDefinition[],
  env: Readonly<Record<string, string>> = {},
): Promise<[RunningApp, RunningApp]> {
  // A busy machine may take its time.
  const shared = { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '2000', ...env };
  return [await startApp(definitions, shared), await startApp(definitions, shared)];
}

/** A gateway whose Redis the test can silence. */
async function startBehindRelay(definition: WrittenDefinition, env: Readonly<Record<string, string>> = {}) {
  const relay = await startRelay(redis.port);
  onTestFinished(() => relay.close());
  const app = await startApp([definition], { REDIS_URL: `redis://127.0.0.1:${relay.port}`, ...env });
  return { relay, ...app };
}

async function metric({ url }: { readonly url: string }, sample: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `));
  return Number(line?.slice(sample.length + 1) ?? 0);
}

const cacheMetric = (level: string, result: string) =>
  `skillgate_cache_requests_total{skill="local_model_predict",level="${level}",result="${result}"}`;

describe('answers', () => {
  it('are shared: what one gateway was answered the other knows', async () => {
    const model = await startModel();
    const [one, other] = await startTwo([definitionOf(model.url)]);
    await (await one.post({ text: 'shared' })).text();
    await vi.waitFor(async () => {
      const response = await other.post({ text: 'shared' });
      expect(response.headers.get('cache-status')).toBe('skillgate; hit');
    });
    expect(callsOf(model)).toBe(1);
    expect(await metric(other, cacheMetric('redis', 'hit'))).toBe(1);
    await other.post({ text: 'shared' });
    expect(await metric(other, cacheMetric('memory', 'hit'))).toBeGreaterThan(0);
    expect(await metric(other, cacheMetric('redis', 'hit'))).toBe(1);
  });

  it('cost one call of the model when two gateways get the same cold input 100 times each', async () => {
    const model = await startModel();
    model.always(late(100, json({ prediction: 'positive' })));
    const gateways = await startTwo([definitionOf(model.url)]);
    const responses = await Promise.all(
      Array.from({ length: 200 }, (_, number) => gateways[number % 2]?.post({ text: 'stampede' })),
    );
    expect(new Set(responses.map((response) => response?.status))).toEqual(new Set([200]));
    expect(callsOf(model)).toBe(1);
  });

  it('are asked for by the other gateway when the one that was asking fails', async () => {
    const model = await startModel();
    const [one, other] = await startTwo([definitionOf(model.url)]);
    model.next(late(50, json({ error: 'bug' }, { status: 400 })));
    const requested = model.requested();
    const failing = one.post({ text: 'second try' });
    await requested;
    const [failed, answered] = await Promise.all([failing, other.post({ text: 'second try' })]);
    expect([failed.status, answered.status]).toEqual([502, 200]);
  });

  it('of a skill that changed are forgotten everywhere, also where its old form is still served', async () => {
    const model = await startModel();
    const definition = definitionOf(model.url);
    const [one, other] = await startTwo([definition]);
    await one.post({ text: 'old' });
    await vi.waitFor(async () => {
      const response = await other.post({ text: 'old' });
      expect(response.headers.get('cache-status')).toBe('skillgate; hit');
    });
    const calls = callsOf(model);
    model.always(json({ prediction: 'new' }));
    await writeDefinition(one.skillsDir, { ...definition, version: '2.0.0' });
    await vi.waitFor(
      async () => expect(await (await one.post({ text: 'old' })).json()).toEqual({ prediction: 'new' }),
      { timeout: 5000, interval: 50 },
    );
    expect(callsOf(model)).toBe(calls + 1);
    // The other gateway has the old form still, and must ask anew all the same.
    expect(await (await other.post({ text: 'old' })).json()).toEqual({ prediction: 'new' });
  });

  it('of calls that outlast a change of their skill are forgotten as well', async () => {
    const model = await startModel();
    const definition = definitionOf(model.url);
    const [one, other] = await startTwo([definition]);
    model.next(late(700, json({ prediction: 'old' })));
    const requested = model.requested();
    const slow = one.post({ text: 'slow' });
    await requested;
    await writeDefinition(one.skillsDir, { ...definition, version: '2.0.0' });
    await vi.waitFor(() => expect(one.log.map(({ event }) => event)).toContain('skill_loaded'), 5000);
    expect(await (await slow).json()).toEqual({ prediction: 'old' });
    await vi.waitFor(async () =>
      expect(await (await other.post({ text: 'slow' })).json()).toEqual({ prediction: 'positive' }),
    );
  });
});

describe('a Redis that accepts and never answers', () => {
  it('costs no errors, and calls hardly any time', async () => {
    const model = await startModel();
    const { relay, post } = await startBehindRelay(definitionOf(model.url));
    const time = async (text: string) => {
      const startedAt = performance.now();
      const response = await post({ text });
      await response.text();
      expect(response.status).toBe(200);
      return performance.now() - startedAt;
    };
    const p99 = async (name: string) => {
      const times: number[] = [];
      for (let number = 0; number < 200; number += 1) times.push(await time(`${name} ${number}`));
      return times.sort((a, b) => a - b)[197] ?? Number.NaN;
    };
    await p99('warm-up');
    const before = await p99('answering');
    relay.setAnswering(false);
    // A busy machine may disturb a round or two.
    await vi.waitFor(
      async () => expect(await p99(`silent ${Math.random()}`)).toBeLessThan(before + 20),
      8000,
    );
  });

  it('does not keep the gateway from starting and closing', async () => {
    const model = await startModel();
    const relay = await startRelay(redis.port);
    onTestFinished(() => relay.close());
    relay.setAnswering(false);
    const app = await startApp([definitionOf(model.url)], { REDIS_URL: `redis://127.0.0.1:${relay.port}` });
    expect((await app.post({ text: 'hello' })).status).toBe(200);
    expect((await fetch(`${app.url}/readyz`)).status).toBe(200);
  });
});

describe('rate limits', () => {
  const limits = { RATE_LIMIT_MAX: '2', RATE_LIMIT_WINDOW_MS: '60000' };

  it('do not multiply by the number of gateways', async () => {
    const model = await startModel();
    const [ann, bob] = [createApiKey('ann'), createApiKey('bob')];
    const [one, other] = await startTwo([definitionOf(model.url)], {
      ...limits,
      AUTH_API_KEYS: `${ann.entry},${bob.entry}`,
    });
    const call = (app: RunningApp, key: string) =>
      app.post({ text: 'hello' }, { headers: { authorization: `Bearer ${key}` } });
    expect((await call(one, ann.key)).headers.get('ratelimit-remaining')).toBe('1');
    expect((await call(other, ann.key)).headers.get('ratelimit-remaining')).toBe('0');
    const refused = await call(one, ann.key);
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'rate_limited' });
    expect((await call(other, bob.key)).status).toBe(200);
  });

  it('hold in each gateway by itself while Redis is away', async () => {
    const model = await startModel();
    const { relay, post } = await startBehindRelay(definitionOf(model.url), limits);
    relay.setAnswering(false);
    const statuses: number[] = [];
    for (let call = 0; call < 5; call += 1) statuses.push((await post({ text: 'hello' })).status);
    expect(statuses).toEqual([200, 200, 429, 429, 429]);
  });

  it('let nobody in while Redis is away, where the operator wants it so', async () => {
    const model = await startModel();
    const { relay, post, url } = await startBehindRelay(definitionOf(model.url), {
      ...limits,
      RATE_LIMIT_FALLBACK: 'refuse',
    });
    relay.setAnswering(false);
    const refused = await post({ text: 'hello' });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ code: 'overloaded' });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });
});
