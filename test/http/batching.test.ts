import { describe, expect, it, onTestFinished } from 'vitest';
import { readJson, startApp, type WrittenDefinition } from '../app.ts';
import { after, json, startModelServer } from '../servers/model-server.ts';

/** A TensorFlow Serving that works on one request after the other and takes its time for each, whatever the rows. */
async function startSlowModel(ms: number) {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  let free = Promise.resolve();
  model.always((response, request) => {
    if (request.method === 'GET') {
      json({ model_version_status: [{ version: '1', state: 'AVAILABLE' }] })(response, request);
      return;
    }
    const instances: readonly { readonly x: number }[] = JSON.parse(request.body).instances;
    const answer = instances.some(({ x }) => x < 0)
      ? json({ error: 'x must not be negative' }, { status: 400 })
      : json({ predictions: instances.map(({ x }) => x * 2) });
    free = free.then(
      () =>
        new Promise((resolve) => {
          response.on('close', resolve);
          after(ms, answer)(response, request);
        }),
    );
  });
  const batches = () =>
    model.requests.flatMap(({ method, body }) =>
      method === 'POST' ? [JSON.parse(body).instances.length] : [],
    );
  return { model, batches };
}

function doubling(url: string, more: Readonly<Record<string, unknown>> = {}): WrittenDefinition {
  return {
    name: 'doubling',
    description: 'Doubles numbers',
    input_schema: { type: 'object', properties: { x: { type: 'number' } }, required: ['x'] },
    output_schema: {
      type: 'object',
      properties: { prediction: { type: 'number' } },
      required: ['prediction'],
    },
    endpoint: { protocol: 'tensorflow-serving', url, model: 'doubling' },
    concurrency: { max: 256 },
    batching: { max_size: 32, max_wait_ms: 5 },
    ...more,
  };
}

describe('a skill with batching', () => {
  it('answers many callers with few requests, each with its own answer', async () => {
    const { model, batches } = await startSlowModel(5);
    const { post, url } = await startApp([doubling(model.url)]);
    const answers = await Promise.all(
      Array.from({ length: 150 }, async (_, x) => readJson(await post({ x }, { path: '/skills/doubling' }))),
    );
    expect(answers).toEqual(Array.from({ length: 150 }, (_, x) => ({ prediction: x * 2 })));
    expect(batches().reduce((sum, size) => sum + size, 0)).toBe(150);
    expect(batches().length).toBeLessThan(50);
    expect(Math.max(...batches())).toBeLessThanOrEqual(32);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('skillgate_batch_size_sum{skill="doubling"} 150');
    expect(metrics).toContain(`skillgate_batch_size_count{skill="doubling"} ${batches().length}`);
  });

  it('lets one bad row fail alone', async () => {
    const { model } = await startSlowModel(2);
    const { post } = await startApp([doubling(model.url)]);
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async (_, x) => {
        const response = await post({ x: x === 40 ? -1 : x }, { path: '/skills/doubling' });
        return response.status;
      }),
    );
    expect(statuses.flatMap((status, x) => (status === 200 ? [] : [[x, status]]))).toEqual([[40, 502]]);
  });

  it('cancels the request to the model when its only caller leaves', async () => {
    const { model } = await startSlowModel(5000);
    const { post } = await startApp([doubling(model.url)]);
    const leaving = new AbortController();
    const begun = model.requested();
    const aborted = model.aborted();
    const call = post({ x: 1 }, { path: '/skills/doubling', signal: leaving.signal });
    while ((await begun).method !== 'POST' && !model.requests.some(({ method }) => method === 'POST')) {
      await model.requested();
    }
    leaving.abort();
    await expect(call).rejects.toThrow();
    expect((await aborted).method).toBe('POST');
  });
});

describe('a definition with batching that cannot be', () => {
  it.each([
    [
      'on a protocol that takes no batches',
      { endpoint: { url: 'http://localhost:1/predict' } },
      '/batching: cannot be: the protocol http takes no batches',
    ],
    [
      'with columnar tensors',
      {
        endpoint: {
          protocol: 'tensorflow-serving',
          url: 'http://localhost:1',
          model: 'm',
          options: { format: 'columnar' },
        },
      },
      '/endpoint/options/format: has to be row',
    ],
    [
      'beyond its concurrency',
      { concurrency: { max: 8 } },
      '/batching/max_size: is 32, and /concurrency/max lets no more than 8 calls in',
    ],
  ])('stops the start %s', async (_what, more, message) => {
    await expect(startApp([doubling('http://localhost:1', more)])).rejects.toThrow(message);
  });
});
