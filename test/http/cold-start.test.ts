import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionOf, readJson, startApp, type WrittenDefinition } from '../app.ts';
import { chat, routes } from '../servers/generation.ts';
import { after, type Behaviour, json, startModelServer } from '../servers/model-server.ts';
import { type OpenInferenceServer, startOpenInferenceServer } from '../servers/open-inference.ts';

const loadPath = '/v2/repository/models/echo/load';

/** A Triton in explicit mode, whose model is not loaded. */
async function startUnloaded(): Promise<OpenInferenceServer> {
  const server = await startOpenInferenceServer({
    name: 'echo',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [-1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: [-1] }],
    run: ([x]) => [{ name: 'y', datatype: 'FP32', shape: x?.shape ?? [], data: x?.data ?? [] }],
  });
  onTestFinished(() => server.close());
  server.setState('UNAVAILABLE', 'unloaded');
  return server;
}

function echo(url: string, more: Readonly<Record<string, unknown>> = {}): WrittenDefinition {
  return {
    name: 'echo',
    description: 'Gives numbers back',
    input_schema: { type: 'object', properties: { x: { type: 'array' } }, required: ['x'] },
    output_schema: { type: 'object' },
    endpoint: { protocol: 'open-inference', url, model: 'echo' },
    readiness: { load: true, interval_ms: 500 },
    ...more,
  };
}

/** Waits until the gateway knows that the model is in this state. */
async function untilState(url: string, wanted: string): Promise<void> {
  for (;;) {
    const { state } = await readJson<{ state: string }>(fetch(`${url}/skills/echo/ready`));
    if (state === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('a model that its server has not loaded', () => {
  it('is loaded once for many callers, who wait for it', async () => {
    const server = await startUnloaded();
    const { post, url } = await startApp([echo(server.url)]);
    await untilState(url, 'not_ready');
    const responses = await Promise.all(
      Array.from({ length: 20 }, (_, x) => post({ x: [x] }, { path: '/skills/echo' })),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(server.requests.filter(({ path }) => path === loadPath)).toHaveLength(1);
  });

  it('is loaded again when it was unloaded between two probes', async () => {
    const server = await startUnloaded();
    const { post } = await startApp([echo(server.url, { readiness: { load: true, interval_ms: 60_000 } })]);
    expect((await post({ x: [1] }, { path: '/skills/echo' })).status).toBe(200);
    server.setState('UNAVAILABLE', 'unloaded');
    expect((await post({ x: [2] }, { path: '/skills/echo' })).status).toBe(200);
    expect(server.requests.filter(({ path }) => path === loadPath)).toHaveLength(2);
  });
});

/** An Ollama that has unloaded its models, as it does after five idle minutes; it takes a moment to load one. */
async function startOllama() {
  const server = await startModelServer();
  onTestFinished(() => server.close());
  let loaded: readonly string[] = [];
  const load: Behaviour = (response, request) => {
    const { model } = JSON.parse(request.body);
    if (model !== 'tiny')
      return json({ error: `model '${model}' not found` }, { status: 404 })(response, request);
    after(20, (answer, asked) => {
      loaded = ['tiny:latest'];
      json({ model, done: true, done_reason: 'load' })(answer, asked);
    })(response, request);
  };
  server.always(
    routes({
      '/v1/models': json({ data: [{ id: 'tiny:latest' }, { id: 'broken' }] }),
      '/api/ps': (response, request) =>
        json({ models: loaded.map((name) => ({ name, size: 1, size_vram: 1 })) })(response, request),
      '/api/generate': load,
      '/api/embed': load,
      '/v1/chat/completions': chat('{"text": "hello"}'),
      '/v1/embeddings': json({ data: [{ index: 0, embedding: [0.5] }] }),
    }),
  );
  return {
    server,
    loads: () => server.requests.filter(({ path }) => /^\/api\/(generate|embed)$/.test(path)),
  };
}

function spoken(url: string, endpoint: Readonly<Record<string, unknown>> = {}): WrittenDefinition {
  return {
    name: 'echo',
    description: 'Says something',
    input_schema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    output_schema: { type: 'object' },
    endpoint: { protocol: 'openai', url, model: 'tiny', ...endpoint },
    readiness: { load: true, interval_ms: 200 },
    cache: { enabled: false },
  };
}

describe('a model that Ollama has unloaded', () => {
  it.each([
    ['to generate', {}, '/api/generate'],
    ['to embed', { options: { api: 'embeddings' } }, '/api/embed'],
  ])('is loaded once for many callers, %s', async (_what, endpoint, path) => {
    const { server, loads } = await startOllama();
    const { post, url } = await startApp([spoken(server.url, endpoint)]);
    await untilState(url, 'not_ready');
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, index) => post({ text: `${index}` }, { path: '/skills/echo' })),
    );
    expect(responses.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(loads().map((request) => [request.path, JSON.parse(request.body).model])).toEqual([
      [path, 'tiny'],
    ]);
  });

  it('is model_not_ready in the words of the server where it cannot be loaded', async () => {
    const { server } = await startOllama();
    const { post, url } = await startApp([spoken(server.url, { model: 'broken' })]);
    await untilState(url, 'not_ready');
    const response = await post({ text: 'a' }, { path: '/skills/echo' });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(await readJson(response)).toMatchObject({
      code: 'model_not_ready',
      detail: "The model cannot be loaded. The model server answered 404: model 'broken' not found",
    });
  });
});

describe('a model that llama.cpp has unloaded', () => {
  it('is loaded by its own route', async () => {
    const server = await startModelServer();
    onTestFinished(() => server.close());
    let value = 'unloaded';
    server.always(
      routes({
        '/v1/models': (response, request) =>
          json({ data: [{ id: 'tiny', status: { value } }] })(response, request),
        '/models/load': (response, request) => {
          value = 'loaded';
          json({ success: true })(response, request);
        },
        '/v1/chat/completions': chat('{"text": "hello"}'),
      }),
    );
    const { post, url } = await startApp([spoken(server.url)]);
    await untilState(url, 'not_ready');
    expect((await post({ text: 'a' }, { path: '/skills/echo' })).status).toBe(200);
    expect(server.requests.filter(({ path }) => path === '/models/load')).toHaveLength(1);
  });
});

it('refuses a definition that does not name the model to load', async () => {
  const definition = spoken('http://127.0.0.1:1', { model: undefined });
  await expect(startApp([definition])).rejects.toThrow('#/endpoint: has to name the model that is loaded');
});

it('refuses a definition whose protocol loads no models', async () => {
  const definition = definitionOf('http://127.0.0.1:1', { readiness: { load: true } });
  await expect(startApp([definition])).rejects.toThrow(
    '#/readiness/load: cannot be: the protocol http loads no models',
  );
});
