import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionOf, readJson, startApp } from '../app.ts';
import { after as delayed, json, type ModelServer, startModelServer } from '../servers/model-server.ts';

async function startModel(): Promise<ModelServer> {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive', confidence: 0.9 }));
  return model;
}

describe('POST /skills/{name}', () => {
  it("sends the input as the model's JSON body and gives its answer as the output", async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    const response = await post({ text: 'hello' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await response.json()).toEqual({ prediction: 'positive', confidence: 0.9 });
    expect(model.requests.map(({ method, path, body }) => [method, path, body])).toEqual([
      ['POST', '/predict', '{"text":"hello"}'],
    ]);
  });

  it('asks the model once for equal inputs, whatever the order of their keys', async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    const first = await post({ text: 'hello', n: 1 });
    const second = await post({ n: 1, text: 'hello' });
    expect(first.headers.get('cache-status')).toBe('skillgate; fwd=miss');
    expect(second.headers.get('cache-status')).toBe('skillgate; hit');
    expect(await second.json()).toEqual(await first.json());
    expect(model.requests).toHaveLength(1);
  });

  it('asks the model again for Cache-Control: no-cache', async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    await post({ text: 'hello' });
    const fresh = await post({ text: 'hello' }, { headers: { 'cache-control': 'no-cache' } });
    expect(fresh.headers.get('cache-status')).toBe('skillgate; fwd=request');
    expect(model.requests).toHaveLength(2);
  });

  it('lets equal calls that come together share one run of the model', async () => {
    const model = await startModel();
    model.always(delayed(50, json({ prediction: 'late' })));
    const { post } = await startApp([definitionOf(model.url)]);
    const responses = await Promise.all(Array.from({ length: 10 }, () => post({ text: 'hello' })));
    expect(responses.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(model.requests).toHaveLength(1);
    const statuses = responses.map(({ headers }) => headers.get('cache-status'));
    expect(statuses.filter((status) => status === 'skillgate; fwd=miss; collapsed')).toHaveLength(9);
  });

  it('tells how long the model and the whole call took', async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    const timing = (await post({ text: 'hello' })).headers.get('server-timing') ?? '';
    const [, upstream, total] = /^upstream;dur=([\d.]+), total;dur=([\d.]+)$/.exec(timing) ?? [];
    expect(Number(upstream)).toBeGreaterThan(0);
    expect(Number(total)).toBeGreaterThanOrEqual(Number(upstream));
  });

  it("passes the caller's request id and trace on to the model server", async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await post({ text: 'hello' }, { headers: { 'x-request-id': 'abc-1', traceparent } });
    expect(response.headers.get('x-request-id')).toBe('abc-1');
    expect(model.requests[0]?.headers).toMatchObject({ 'x-request-id': 'abc-1', traceparent });
  });

  it('makes a request id and a trace where the caller gives none, or an implausible one', async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    const response = await post(
      { text: 'hello' },
      { headers: { 'x-request-id': 'a b\tc', traceparent: '00-zz' } },
    );
    const id = response.headers.get('x-request-id');
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(model.requests[0]?.headers['x-request-id']).toBe(id);
    expect(model.requests[0]?.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it('cancels the model when the caller leaves', async () => {
    const model = await startModel();
    model.always(delayed(10_000, json({})));
    const { post, log } = await startApp([definitionOf(model.url)]);
    const leaving = new AbortController();
    const requested = model.requested();
    const aborted = model.aborted();
    const answer = post({ text: 'hello' }, { signal: leaving.signal });
    await requested;
    leaving.abort();
    await expect(answer).rejects.toThrow();
    expect((await aborted).aborted).toBe(true);
    await expect
      .poll(() => log.find(({ event }) => event === 'skill_invoked')?.fields.code)
      .toBe('cancelled');
  });

  it('logs one line a call, with what happened and nothing of what was said', async () => {
    const model = await startModel();
    const { post, log } = await startApp([definitionOf(model.url)]);
    await post({ text: 'a secret thing' }, { headers: { 'x-request-id': 'abc-1' } });
    const lines = log.filter(({ event }) => event === 'skill_invoked');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'info',
      fields: {
        skill: 'local_model_predict',
        version: '1.0.0',
        source: 'rest',
        attempts: 1,
        code: 'ok',
        request_id: 'abc-1',
        duration_ms: expect.any(Number),
      },
    });
    expect(JSON.stringify(log)).not.toContain('secret thing');
    expect(JSON.stringify(log)).not.toContain('positive');
  });

  it('keeps one connection to the model server over many calls', async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    for (let number = 0; number < 20; number += 1) await post({ text: `hello ${number}` });
    expect(model.requests).toHaveLength(20);
    // One more is the readiness probe's, which connects and leaves.
    expect(model.connections).toBeLessThanOrEqual(2);
  });
});

describe('POST /skills/{name}/batch', () => {
  const batch = { path: '/skills/local_model_predict/batch' };

  it('answers every row in its place, and a bad one spoils only itself', async () => {
    const model = await startModel();
    model.always((response, { body }) =>
      json({ prediction: JSON.parse(body).text })(response, model.requests[0] ?? raise()),
    );
    const { post } = await startApp([definitionOf(model.url)]);
    const response = await post({ inputs: [{ text: 'a' }, { text: 1 }, { text: 'b' }] }, batch);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      results: [
        { output: { prediction: 'a' } },
        {
          error: expect.objectContaining({
            code: 'invalid_input',
            errors: [expect.objectContaining({ pointer: '/text' })],
          }),
        },
        { output: { prediction: 'b' } },
      ],
    });
  });

  it("runs rows side by side within the skill's concurrency limit", async () => {
    const model = await startModel();
    let working = 0;
    let most = 0;
    model.always((response, request) => {
      working += 1;
      most = Math.max(most, working);
      delayed(10, (...args) => {
        working -= 1;
        json({ prediction: 'x' })(...args);
      })(response, request);
    });
    const { post } = await startApp([definitionOf(model.url, { concurrency: { max: 3, queue: 0 } })]);
    const inputs = Array.from({ length: 12 }, (_, number) => ({ text: `row ${number}` }));
    const { results } = await readJson<{ results: unknown[] }>(post({ inputs }, batch));
    expect(results).toEqual(Array(12).fill({ output: { prediction: 'x' } }));
    expect(most).toBe(3);
  });

  it.each([
    ['no list', { inputs: 'all' }],
    ['no object', [1]],
    ['too many rows', { inputs: Array(1001).fill({}) }],
  ])('refuses a body with %s', async (_what, body) => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    const response = await post(body, batch);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: 'invalid_input', errors: [{ pointer: '/inputs' }] });
  });

  it('answers an empty list with an empty list', async () => {
    const model = await startModel();
    const { post } = await startApp([definitionOf(model.url)]);
    expect(await (await post({ inputs: [] }, batch)).json()).toEqual({ results: [] });
  });
});

function raise(): never {
  throw new Error('no request was recorded');
}
