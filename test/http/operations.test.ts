import { rename, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { definitionOf, readJson, startApp, writeDefinition } from '../app.ts';
import { after, hang, json, startModelServer } from '../servers/model-server.ts';

/** What these tests read of the gateway's answers. */
interface Shown {
  readonly name?: string;
  readonly version?: string;
  readonly state?: string;
  readonly code?: string;
}

async function startModel() {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive' }));
  return model;
}

describe('the catalog', () => {
  it('shows skills as Claude should see them: this gateway as the endpoint, nothing of the model server', async () => {
    const model = await startModel();
    const { url } = await startApp([definitionOf(model.url, { title: 'Sentiment' })]);
    const { skills } = await readJson<{ skills: Shown[] }>(fetch(`${url}/skills`));
    expect(skills).toEqual([await (await fetch(`${url}/skills/local_model_predict`)).json()]);
    expect(skills[0]).toMatchObject({
      name: 'local_model_predict',
      title: 'Sentiment',
      version: '1.0.0',
      endpoint: { url: `${url}/skills/local_model_predict`, method: 'POST' },
      input_schema: { required: ['text'] },
    });
    expect(JSON.stringify(skills)).not.toContain(model.url);
  });

  it('shows and serves a caller only what its key covers', async () => {
    const model = await startModel();
    const ann = createApiKey('ann');
    const env = { AUTH_API_KEYS: `${ann.entry}:other` };
    const { url, post } = await startApp(
      [definitionOf(model.url), definitionOf(model.url, { name: 'other' })],
      env,
    );
    const headers = { authorization: `Bearer ${ann.key}` };
    const { skills } = await readJson<{ skills: Shown[] }>(fetch(`${url}/skills`, { headers }));
    expect(skills.map(({ name }) => name)).toEqual(['other']);
    expect((await fetch(`${url}/skills/local_model_predict`, { headers })).status).toBe(404);
    expect((await post({ text: 'hello' }, { headers })).status).toBe(403);
    expect((await post({ text: 'hello' }, { headers, path: '/skills/other' })).status).toBe(200);
    const nobody = await post({ text: 'hello' });
    expect(nobody.status).toBe(401);
    expect(nobody.headers.get('www-authenticate')).toMatch(/^Bearer/);
  });
});

describe('probes', () => {
  it('tell that the gateway lives, and that it is ready', async () => {
    const model = await startModel();
    const { url } = await startApp([definitionOf(model.url)]);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    await expect
      .poll(async () => (await readJson<{ skills: Shown[] }>(fetch(`${url}/readyz?verbose`))).skills)
      .toEqual([expect.objectContaining({ name: 'local_model_predict', state: 'ready' })]);
  });

  it('hold the gateway back while a model that it requires is not ready, and never ask that model anything', async () => {
    const model = await startModel();
    model.always(json({ error: 'loading' }, { status: 503 }));
    const readiness = { required: true, interval_ms: 50 };
    const endpoint = { url: `${model.url}/predict`, options: { ready_url: '/health' } };
    const { url, post } = await startApp([definitionOf(model.url, { readiness, endpoint })]);
    const ready = () => fetch(`${url}/skills/local_model_predict/ready`);
    await expect.poll(async () => (await readJson<Shown>(ready())).state).toBe('loading');
    expect((await ready()).status).toBe(503);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    const refused = await post({ text: 'hello' });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ code: 'model_not_ready' });
    model.always(json({ prediction: 'positive' }));
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status, { timeout: 5000 }).toBe(200);
    expect((await post({ text: 'hello' })).status).toBe(200);
    expect(model.requests.filter(({ path }) => path === '/predict')).toHaveLength(1);
  });

  it('need no credentials', async () => {
    const model = await startModel();
    const { url } = await startApp([definitionOf(model.url)], { AUTH_API_KEYS: createApiKey('ann').entry });
    expect((await fetch(`${url}/livez`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect((await fetch(`${url}/skills`)).status).toBe(401);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
  });
});

describe('metrics', () => {
  it('count calls, attempts and cache look-ups by loaded skills only', async () => {
    const model = await startModel();
    const { url, post } = await startApp([definitionOf(model.url)]);
    await post({ text: 'hello' });
    await post({ text: 'hello' });
    await post({ text: 1 });
    await post({}, { path: '/skills/invented' });
    const metrics = await (await fetch(`${url}/metrics`)).text();
    const labels = 'skill="local_model_predict",version="1.0.0",source="rest"';
    expect(metrics).toContain(`skillgate_invocations_total{${labels},code="ok"} 2`);
    expect(metrics).toContain(`skillgate_invocations_total{${labels},code="invalid_input"} 1`);
    expect(metrics).toContain(
      'skillgate_upstream_attempts_total{skill="local_model_predict",outcome="ok"} 1',
    );
    expect(metrics).toContain(
      'skillgate_cache_requests_total{skill="local_model_predict",level="memory",result="hit"} 1',
    );
    expect(metrics).toContain('skillgate_circuit_state{skill="local_model_predict"} 0');
    expect(metrics).toContain('skillgate_in_flight{skill="local_model_predict"} 0');
    expect(metrics).toMatch(
      /skillgate_invocation_duration_seconds_bucket\{le="0.001",skill="local_model_predict"\} \d/,
    );
    expect(metrics).toMatch(/skillgate_skill_load_seconds\{skill="local_model_predict"\} 0\.\d+/);
    expect(metrics).not.toContain('invented');
  });
});

describe('a live edit of the skills folder', () => {
  it('serves the new definition, and keeps the old one when the edit is broken', async () => {
    const model = await startModel();
    const { url, skillsDir, post, log } = await startApp([definitionOf(model.url)]);
    const version = async () => (await readJson<Shown>(fetch(`${url}/skills/local_model_predict`))).version;
    await writeDefinition(skillsDir, definitionOf(model.url, { version: '1.1.0' }));
    await expect.poll(version, { timeout: 5000 }).toBe('1.1.0');

    await writeFile(join(skillsDir, 'local_model_predict.json'), '{"name": "local_model_predict", ');
    await expect
      .poll(() => log.filter(({ event }) => event === 'skill_reload_failed').length, { timeout: 5000 })
      .toBe(1);
    expect(await version()).toBe('1.1.0');
    expect((await post({ text: 'hello' })).status).toBe(200);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('skillgate_skill_reload_failures_total 1');

    await writeDefinition(skillsDir, definitionOf(model.url, { name: 'second' }));
    await expect.poll(async () => (await fetch(`${url}/skills/second`)).status, { timeout: 5000 }).toBe(200);
    expect(await version()).toBe('1.1.0');
  });

  it('lets the calls of the old definition end', async () => {
    const model = await startModel();
    model.always(after(400, json({ prediction: 'old' })));
    const { url, skillsDir, post } = await startApp([definitionOf(model.url)]);
    const requested = model.requested();
    const answer = post({ text: 'hello' });
    await requested;
    const next = join(skillsDir, '.next');
    await writeFile(next, JSON.stringify(definitionOf(model.url, { version: '2.0.0' })));
    await rename(next, join(skillsDir, 'local_model_predict.json'));
    await expect
      .poll(async () => (await readJson<Shown>(fetch(`${url}/skills/local_model_predict`))).version, {
        timeout: 5000,
      })
      .toBe('2.0.0');
    expect(await (await answer).json()).toEqual({ prediction: 'old' });
  });
});

describe('limits', () => {
  it('turns a caller away who calls too often, with a time to come back', async () => {
    const model = await startModel();
    const [ann, bob] = [createApiKey('ann'), createApiKey('bob')];
    const { post, url } = await startApp([definitionOf(model.url)], {
      RATE_LIMIT_MAX: '2',
      AUTH_API_KEYS: `${ann.entry},${bob.entry}`,
    });
    const call = (key: string) => post({ text: 'hello' }, { headers: { authorization: `Bearer ${key}` } });
    expect((await call(ann.key)).status).toBe(200);
    const second = await call(ann.key);
    expect(second.headers.get('ratelimit-remaining')).toBe('0');
    const third = await call(ann.key);
    expect(third.status).toBe(429);
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await third.json()).toMatchObject({ code: 'rate_limited' });
    expect((await call(bob.key)).status).toBe(200);
    for (let probe = 0; probe < 5; probe += 1) expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  it('answers overloaded when the places and the queue of a model are full', async () => {
    const model = await startModel();
    model.always(after(300, json({ prediction: 'x' })));
    const { post } = await startApp([definitionOf(model.url, { concurrency: { max: 1, queue: 1 } })]);
    const responses = await Promise.all([1, 2, 3].map((number) => post({ text: `${number}` })));
    expect(responses.map(({ status }) => status).sort()).toEqual([200, 200, 503]);
    const refused = responses.find(({ status }) => status === 503);
    expect(refused?.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await refused?.json()).toMatchObject({ code: 'overloaded' });
  });

  it('isolates a broken skill: its circuit opens, and the others go on', async () => {
    const broken = await startModel();
    const healthy = await startModel();
    broken.always(json({ error: 'bug' }, { status: 500 }));
    const { post } = await startApp([
      definitionOf(broken.url, { name: 'broken', breaker: { failures: 2, reset_ms: 60_000 } }),
      definitionOf(healthy.url),
    ]);
    const codes: (string | undefined)[] = [];
    for (let number = 0; number < 4; number += 1) {
      const response = await post({ text: `${number}` }, { path: '/skills/broken' });
      codes.push((await readJson<Shown>(response)).code);
    }
    expect(codes).toEqual(['upstream_error', 'upstream_error', 'circuit_open', 'circuit_open']);
    expect(broken.requests).toHaveLength(2);
    expect((await post({ text: 'hello' })).status).toBe(200);
  });

  it('closes the connection of a caller who is too slow in sending', async () => {
    const model = await startModel();
    const { url, post } = await startApp([definitionOf(model.url)], { REQUEST_TIMEOUT_MS: '100' });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.write(
      'POST /skills/local_model_predict HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"te',
    );
    const answer = await new Promise<string>((resolve) =>
      socket.once('data', (data) => resolve(String(data))),
    );
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
    expect((await post({ text: 'hello' })).status).toBe(200);
  });
});

describe('warm-up', () => {
  it('runs its inputs once the model is ready, so that the first caller is answered from memory', async () => {
    const model = await startModel();
    const { post } = await startApp([
      definitionOf(model.url, { warmup: [{ text: 'hello' }, { text: 'bye' }] }),
    ]);
    await expect.poll(() => model.requests.length).toBe(2);
    await expect
      .poll(async () => (await post({ text: 'hello' })).headers.get('cache-status'))
      .toBe('skillgate; hit');
  });
});

describe('closing', () => {
  it('turns /readyz to 503 at once, lets the calls under way end, and cuts off what outlasts the grace', async () => {
    const model = await startModel();
    model.always(after(300, json({ prediction: 'in time' })));
    const { app, url, post } = await startApp([definitionOf(model.url)]);
    const requested = model.requested();
    const inTime = post({ text: 'short' });
    await requested;
    model.always(hang());
    const tooLong = expect(post({ text: 'long' })).rejects.toThrow();
    await expect.poll(() => model.requests.length).toBe(2);
    const closed = app.close(600);
    const readyz = await fetch(`${url}/readyz`);
    expect([readyz.status, readyz.headers.get('connection')]).toEqual([503, 'close']);
    expect((await inTime).status).toBe(200);
    await tooLong;
    await closed;
  });
});

describe('a start with a host that may not be called', () => {
  it.each([
    [
      'is not among UPSTREAM_ALLOW_HOSTS',
      'http://127.0.0.1:1',
      { UPSTREAM_ALLOW_HOSTS: 'other.example' },
      /ALLOW_HOSTS/,
    ],
    ['is a metadata address', 'http://169.254.169.254', {}, /metadata/],
  ])('is refused where the host %s', async (_what, url, env, message) => {
    await expect(startApp([definitionOf(url)], env)).rejects.toThrow(message);
  });
});
