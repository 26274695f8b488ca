import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionOf, readJson, startApp, type WrittenDefinition } from '../app.ts';
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

it('refuses a definition whose protocol loads no models', async () => {
  const definition = definitionOf('http://127.0.0.1:1', { readiness: { load: true } });
  await expect(startApp([definition])).rejects.toThrow(
    '#/readiness/load: cannot be: the protocol http loads no models',
  );
});
