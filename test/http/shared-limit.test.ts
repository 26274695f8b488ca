import { once } from 'node:events';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { definitionOf, type RunningApp, startApp } from '../app.ts';
import { ended, submit } from '../jobs/job-client.ts';
import { startWorkerProcess } from '../jobs/worker-process.ts';
import { ask } from '../mcp/message.ts';
import { counting, hang, json, after as late, startModelServer } from '../servers/model-server.ts';
import { startRelay } from '../servers/relay.ts';
import { dataFolder } from '../skills/fixtures.ts';
import { redisOfThisFile } from '../stores/redis/redis.ts';

const redis = redisOfThisFile();
let skills = 0;

/** A model, and a skill that no other test knows, of which so many calls run at a time over all gateways. */
async function setUp(max: number, ms = 20, more: Readonly<Record<string, unknown>> = {}) {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  const { counter, behaviour } = counting(late(ms, json({ prediction: 'positive' })));
  model.always(behaviour);
  skills += 1;
  const name = `limited_${skills}`;
  const definition = definitionOf(model.url, {
    name,
    cache: { enabled: false },
    concurrency: { max, shared: true, ...more },
  });
  const start = (env: Readonly<Record<string, string>> = {}) =>
    // A busy machine may take its time.
    startApp([definition], { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '2000', ...env });
  return { model, counter, name, start };
}

const call = ({ post }: RunningApp, name: string, signal?: AbortSignal) =>
  post({ text: 'hello' }, { path: `/skills/${name}`, ...(signal && { signal }) });

async function gauge({ url }: RunningApp, metric: string, skill: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${metric}{skill="${skill}"} (\\d+)$`, 'm').exec(text)?.[1]);
}

describe('a limit that gateways share', () => {
  it('holds over both while 100 calls come, and keeps no place idle', async () => {
    const { counter, name, start } = await setUp(3);
    const gateways = [await start(), await start()] as const;
    const startedAt = performance.now();
    const responses = await Promise.all(
      Array.from({ length: 100 }, (_, number) => call(gateways[number % 2 === 0 ? 0 : 1], name)),
    );
    const ms = performance.now() - startedAt;
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(counter.most).toBe(3);
    // 34 rounds of 20 ms would be 680 ms; waiting for the next look after each call would be 3.4 s more.
    expect(ms).toBeLessThan(3000);
  });

  it('counts calls, tool calls, batch rows and jobs together', async () => {
    const { counter, name, start } = await setUp(2);
    const gateways = [await start(), await start()] as const;
    const [one, other] = gateways;
    const rows = Array.from({ length: 8 }, (_, number) => ({ text: `row ${number}` }));
    const [batch, ...rest] = await Promise.all([
      one.post({ inputs: rows }, { path: `/skills/${name}/batch` }),
      ...gateways.flatMap((gateway) => Array.from({ length: 6 }, () => call(gateway, name))),
      ...gateways.map(async (gateway) =>
        ended(gateway, await submit(gateway, { text: 'job' }, { skill: name })),
      ),
      ...Array.from({ length: 4 }, () =>
        ask(other.url, '2026-07-28', 'tools/call', { name, arguments: { text: 'tool' } }),
      ),
    ]);
    expect(await batch.json()).toEqual({ results: rows.map(() => ({ output: { prediction: 'positive' } })) });
    const ends = rest.map((end) =>
      end instanceof Response ? end.status : 'status' in end ? end.status : !end.result?.isError,
    );
    expect(ends).toEqual([...Array(12).fill(200), 'succeeded', 'succeeded', ...Array(4).fill(true)]);
    expect(counter.most).toBe(2);
  });

  it('lets the other gateway have its turn while one has many calls', async () => {
    const { name, start } = await setUp(1);
    const [busy, other] = [await start(), await start()];
    let served = 0;
    const crowd = Array.from({ length: 40 }, async () => {
      await call(busy, name);
      served += 1;
    });
    await vi.waitFor(() => expect(served).toBeGreaterThan(2));
    const before = served;
    expect((await call(other, name)).status).toBe(200);
    expect(served - before).toBeLessThan(10);
    await Promise.all(crowd);
  });

  it('turns away who finds no place within queue_ms, and tells of the wait', async () => {
    const { model, name, start } = await setUp(1, 20, { queue_ms: 200 });
    model.next(hang());
    const [one, other] = [await start(), await start()];
    const leaving = new AbortController();
    const requested = model.requested();
    const holding = call(one, name, leaving.signal);
    await requested;
    const waiting = call(other, name);
    await vi.waitFor(async () => expect(await gauge(other, 'skillgate_queue_depth', name)).toBe(1));
    expect(await gauge(other, 'skillgate_in_flight', name)).toBe(0);
    expect(await gauge(one, 'skillgate_in_flight', name)).toBe(1);
    const refused = await waiting;
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({
      code: 'overloaded',
      detail: expect.stringContaining('all gateways'),
    });
    expect(await gauge(other, 'skillgate_queue_depth', name)).toBe(0);
    leaving.abort();
    await expect(holding).rejects.toThrow();
    expect((await call(other, name)).status).toBe(200);
  });

  it('is freed by callers who leave, whether they run or wait', async () => {
    const { model, counter, name, start } = await setUp(1);
    model.next(hang());
    const [one, other] = [await start(), await start()];
    const leaving = new AbortController();
    const requested = model.requested();
    const left = [call(one, name, leaving.signal)];
    await requested;
    left.push(call(other, name, leaving.signal));
    await vi.waitFor(async () => expect(await gauge(other, 'skillgate_queue_depth', name)).toBe(1));
    const staying = call(one, name);
    leaving.abort();
    await Promise.allSettled(left);
    expect((await staying).status).toBe(200);
    expect(model.requests.filter(({ method }) => method === 'POST')).toHaveLength(2);
    await vi.waitFor(() => expect(counter.now).toBe(0));
  });

  it('is freed when the process that held it is killed', async () => {
    const { model, name, start } = await setUp(1);
    model.next(hang());
    const DATA_DIR = await dataFolder();
    const front = await start({ DATA_DIR, JOB_CONCURRENCY: '0' });
    const requested = model.requested();
    const worker = await startWorkerProcess({
      DATA_DIR,
      SKILLS_DIR: front.skillsDir,
      REDIS_URL: redis.url,
      REDIS_TIMEOUT_MS: '2000',
    });
    await submit(front, { text: 'job' }, { skill: name });
    await requested;
    const waiting = call(front, name);
    await vi.waitFor(async () => expect(await gauge(front, 'skillgate_queue_depth', name)).toBe(1));
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    const startedAt = performance.now();
    expect((await waiting).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(4500);
  });

  it('puts a job back that finds no place in time', async () => {
    const { model, name, start } = await setUp(1, 20, { queue_ms: 50 });
    model.next(hang());
    const impatient = { JOB_RETRY_BASE_MS: '20', JOB_RETRY_MAX_MS: '40' };
    const [one, other] = [await start(), await start(impatient)];
    const leaving = new AbortController();
    const requested = model.requested();
    const holding = call(one, name, leaving.signal);
    await requested;
    const job = await submit(other, { text: 'job' }, { skill: name });
    await vi.waitFor(() => expect(other.log.map(({ event }) => event)).toContain('job_put_back'));
    leaving.abort();
    await expect(holding).rejects.toThrow();
    expect(await ended(other, job)).toMatchObject({ status: 'succeeded' });
  });

  it('does not hold calls up while Redis is silent: then each gateway keeps to it by itself', async () => {
    const { counter, name, start } = await setUp(2);
    const relay = await startRelay(redis.port);
    onTestFinished(() => relay.close());
    const app = await start({ REDIS_URL: `redis://127.0.0.1:${relay.port}`, REDIS_TIMEOUT_MS: '10' });
    expect((await call(app, name)).status).toBe(200);
    relay.setAnswering(false);
    const startedAt = performance.now();
    const responses = await Promise.all(Array.from({ length: 20 }, () => call(app, name)));
    expect(new Set(responses.map(({ status }) => status))).toEqual(new Set([200]));
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(counter.most).toBe(2);
    expect(app.log.map(({ event }) => event)).toContain('redis_away');
  });
});
