import { describe, expect, it, onTestFinished } from 'vitest';
import { tensorflowServingProtocol } from '../../../src/adapters/tensorflow-serving.ts';
import type { Mapping } from '../../../src/contracts/adapter.ts';
import { SkillgateError } from '../../../src/contracts/errors.ts';
import type { JsonObject, JsonValue } from '../../../src/contracts/json.ts';
import { createAttempt } from '../../attempt.ts';
import { json, startModelServer } from '../../servers/model-server.ts';
import { startTensorflowServing } from '../../servers/tensorflow-serving.ts';
import { createAdapter } from '../adapter-under-test.ts';

async function startDoubling() {
  const server = await startTensorflowServing({
    doubling: {
      signatures: {
        serving_default: {
          method: 'predict',
          inputs: { x: 'DT_FLOAT' },
          run: (rows) => ({ y: rows.map(({ x }) => Number(x) * 2) }),
        },
        labelling: {
          method: 'classify',
          run: (examples) => examples.map(({ x }) => [[Number(x) > 0 ? 'positive' : 'negative', 0.9]]),
        },
      },
    },
  });
  onTestFinished(() => server.close());
  return server;
}

/** Runs a batch on a model at this URL. */
async function runBatch(
  url: string,
  inputs: readonly JsonValue[],
  options: JsonObject = {},
  mapping: Mapping = {},
) {
  const adapter = createAdapter(
    tensorflowServingProtocol,
    { protocol: 'tensorflow-serving', url, model: 'doubling', options },
    { mapping },
  );
  onTestFinished(() => adapter.close());
  return adapter.inferBatch?.({ ...createAttempt(null), input: inputs });
}

describe('a batch for TensorFlow Serving', () => {
  it('is one request, and each row gets the output that it would get alone', async () => {
    const server = await startDoubling();
    expect(await runBatch(server.url, [{ x: 1 }, { x: 2 }, { x: 3 }])).toEqual([
      { prediction: 2 },
      { prediction: 4 },
      { prediction: 6 },
    ]);
    expect(server.requests.map(({ body }) => JSON.parse(body))).toEqual([
      { instances: [{ x: 1 }, { x: 2 }, { x: 3 }] },
    ]);
  });

  it('carries the examples of classify too', async () => {
    const server = await startDoubling();
    const options = { method: 'classify', signature_name: 'labelling' };
    expect(await runBatch(server.url, [{ x: 1 }, { x: -1 }], options)).toEqual([
      { prediction: 'positive', confidence: 0.9 },
      { prediction: 'negative', confidence: 0.9 },
    ]);
    expect(server.inferences).toBe(1);
  });

  it('joins what the expressions of the definition made, of several examples too, and hands each its own answer', async () => {
    const server = await startDoubling();
    const mapping: Mapping = {
      request: async (input) => ({ instances: input as JsonValue }),
      response: async (body, input) => ({ body, input }),
    };
    expect(await runBatch(server.url, [[{ x: 1 }, { x: 2 }], [{ x: 3 }]], {}, mapping)).toEqual([
      { body: { predictions: [2, 4] }, input: [{ x: 1 }, { x: 2 }] },
      { body: { predictions: [6] }, input: [{ x: 3 }] },
    ]);
    expect(server.inferences).toBe(1);
  });

  it('sends requests that differ in more than their examples side by side', async () => {
    const server = await startDoubling();
    const mapping: Mapping = { request: async (input) => input, response: async (body) => body };
    const rows = [
      { instances: [{ x: 1 }] },
      { inputs: { x: [5] } },
      { signature_name: 'serving_default', instances: [{ x: 3 }] },
      { instances: [{ x: 2 }] },
    ];
    expect(await runBatch(server.url, rows, {}, mapping)).toEqual([
      { predictions: [2] },
      { outputs: [10] },
      { predictions: [6] },
      { predictions: [4] },
    ]);
    expect(server.inferences).toBe(3);
  });

  it('lets a row fail alone whose request or answer cannot be made', async () => {
    const server = await startDoubling();
    const refuse = (reason: string) => {
      throw new SkillgateError('invalid_input', reason);
    };
    const mapping: Mapping = {
      request: async (input) => (input === 'bad' ? refuse('request') : { instances: [{ x: 1 }] }),
      response: async (_body, input) => (input === 'odd' ? refuse('response') : 'fine'),
    };
    expect(await runBatch(server.url, ['good', 'bad', 'odd'], {}, mapping)).toMatchObject([
      'fine',
      { code: 'invalid_input', message: 'request' },
      { code: 'invalid_input', message: 'response' },
    ]);
  });

  it('is refused as a whole for one bad row', async () => {
    const server = await startDoubling();
    await expect(runBatch(server.url, [{ x: 1 }, { y: 2 }])).rejects.toMatchObject({
      code: 'upstream_error',
      upstreamStatus: 400,
    });
  });

  it('is upstream_error where the answer has too few rows: nobody could tell whose they are', async () => {
    const server = await startModelServer();
    onTestFinished(() => server.close());
    server.always(json({ predictions: [1] }));
    await expect(runBatch(server.url, [{ x: 1 }, { x: 2 }])).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model server answered 1 rows for 2 examples.',
    });
  });
});
