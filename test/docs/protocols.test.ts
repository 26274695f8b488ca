import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { protocols } from '../../src/protocols.ts';
import { readJson, startApp, type WrittenDefinition } from '../app.ts';
import { chat, modelList, routes } from '../servers/generation.ts';
import { type Behaviour, json, startModelServer } from '../servers/model-server.ts';
import { startOpenInferenceServer } from '../servers/open-inference.ts';
import { startTensorflowServing } from '../servers/tensorflow-serving.ts';
import { startTensorflowServingGrpc } from '../servers/tensorflow-serving-grpc.ts';

/** A definition of the page, with the examples that it has to answer. */
interface Documented extends WrittenDefinition {
  readonly endpoint: WrittenDefinition['endpoint'] & {
    readonly protocol?: string;
    readonly options?: object;
  };
  readonly examples: readonly { readonly input: unknown; readonly output: object }[];
}

const page = readFileSync(join(import.meta.dirname, '../../docs/protocols.md'), 'utf8');
const documented = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(
  ([, text = '']) => JSON.parse(text) as Documented,
);

/** The stand-ins of the servers that the definitions are for, by the names of the definitions. */
const standIns: Readonly<Record<string, () => Promise<{ readonly url: string; close?(): Promise<void> }>>> = {
  sentiment: () => serve({ '/predict': json({ label: 'positive' }), '/health': json({}) }),
  detect_language_tf: () =>
    startTensorflowServing({
      language: {
        signatures: {
          serving_default: {
            method: 'predict',
            inputs: { text: 'DT_STRING' },
            run: (rows) => ({ scores: rows.map(() => [0.25, 0.75]) }),
          },
        },
      },
    }),
  iris: () =>
    startOpenInferenceServer({
      name: 'iris',
      inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [{ name: 'scores', datatype: 'FP32', shape: [-1, 3] }],
      run: () => [{ name: 'scores', datatype: 'FP32', shape: [1, 3], data: [0.9, 0.06, 0.04] }],
    }),
  extract_contact: () =>
    serve({
      '/v1/models': modelList('qwen3-8b'),
      '/v1/chat/completions': chat('```json\n{"name": "Ada", "city": "Oslo"}\n```'),
    }),
  embed: () =>
    serve({
      '/v1/models': json({}, { status: 404 }),
      '/health': json({}),
      '/v1/embeddings': json({ data: [{ index: 0, embedding: [0.5, -1] }] }),
    }),
  classify_image: () =>
    serve({
      '/models/densenet161': json([{ workers: [{ status: 'READY' }] }]),
      '/predictions/densenet161': json({ tabby: 0.75 }),
    }),
  add: async () => ({
    url: pathToFileURL(join(import.meta.dirname, '../adapters/__fixtures__/onnx/add.onnx')).href,
  }),
};

function serve(byPath: Readonly<Record<string, Behaviour>>) {
  return startModelServer().then((server) => {
    server.always(routes(byPath));
    return server;
  });
}

/** The definition with its stand-in's address in place of the one that it names. */
function pointAt(definition: Documented, url: string): Documented {
  const move = (address: string) =>
    url.startsWith('file:') ? url : url + new URL(address).pathname.replace(/\/$/, '');
  const { endpoint } = definition;
  const options = Object.entries(endpoint.options ?? {}).map(([name, value]) => [
    name,
    name === 'management_url' ? move(String(value)) : value,
  ]);
  return {
    ...definition,
    endpoint: { ...endpoint, url: move(endpoint.url), options: Object.fromEntries(options) },
  };
}

async function runExamples(definition: Documented): Promise<void> {
  const { app, url, post } = await startApp([definition]);
  expect(app.gateway.catalog.list()).toHaveLength(1);
  for (const { input, output } of definition.examples) {
    const response = await post(input, { path: `/skills/${definition.name}` });
    expect(await readJson(response)).toMatchObject(output);
    expect(response.status).toBe(200);
  }
  const state = () =>
    readJson<{ state: string }>(fetch(`${url}/skills/${definition.name}/ready`)).then((ready) => ready.state);
  await expect.poll(state).toBe('ready');
}

describe('docs/protocols.md', () => {
  it('has a definition for every protocol, and no other', () => {
    const named = new Set(documented.map(({ endpoint }) => endpoint.protocol ?? 'http'));
    expect([...named].toSorted()).toEqual(protocols.map(({ name }) => name).toSorted());
  });

  it.each(documented.map((definition) => [definition.name, definition] as const))(
    'has a definition %s that loads and answers its examples',
    async (name, definition) => {
      const standIn = await standIns[name]?.();
      if (!standIn) throw new Error(`there is no stand-in for ${name}`);
      onTestFinished(async () => standIn.close?.());
      await runExamples(pointAt(definition, standIn.url));
    },
  );

  it('has a definition for TensorFlow Serving that runs over gRPC, when its URL says so', async () => {
    const definition = documented.find(({ name }) => name === 'detect_language_tf');
    if (!definition) throw new Error('the definition is not there');
    const server = await startTensorflowServingGrpc({
      name: 'language',
      inputs: { text: [7, [-1]] },
      run: () => ({
        scores: { dtype: 1, tensor_shape: { dim: [{ size: 1 }, { size: 2 }] }, float_val: [0.25, 0.75] },
      }),
    });
    onTestFinished(() => server.close());
    await runExamples({ ...definition, endpoint: { ...definition.endpoint, url: server.url } });
  });
});
