import { afterEach, describe, expect, it } from 'vitest';
import { startModelThread } from '../../../src/adapters/onnx/thread.ts';
import type { Adapter, RowResult } from '../../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../../src/contracts/json.ts';
import { createAttempt } from '../../attempt.ts';
import { type AdapterSetup, makeAdapter } from './setup.ts';

const opened: Adapter[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((adapter) => adapter.close()));
});

/** Runs a batch on one of the small models; tells how often the model ran. */
async function runBatch(
  model: string,
  inputs: readonly JsonValue[],
  more: Partial<AdapterSetup> = {},
): Promise<{ rows: readonly RowResult[] | undefined; runs: number }> {
  let runs = 0;
  const adapter = makeAdapter({
    url: `file:${model}.onnx`,
    ...more,
    startThread(setup) {
      const thread = startModelThread(setup);
      return {
        ...thread,
        run(tensors, attempt) {
          runs += 1;
          return thread.run(tensors, attempt);
        },
      };
    },
  });
  opened.push(adapter);
  return { rows: await adapter.inferBatch?.({ ...createAttempt(null), input: inputs }), runs };
}

/** What each input gives alone. */
async function alone(
  model: string,
  inputs: readonly JsonValue[],
  options: JsonObject = {},
): Promise<JsonValue[]> {
  const adapter = makeAdapter({ url: `file:${model}.onnx`, options });
  opened.push(adapter);
  return Promise.all(inputs.map((input) => adapter.infer(createAttempt(input))));
}

describe('a batch for an embedded model', () => {
  it('is one run, and each row gets what it would get alone', async () => {
    const inputs = [1, 2, 3, 4].map((n) => ({ left: [n, n], right: [0.5, n] }));
    const { rows, runs } = await runBatch('add', inputs);
    expect(runs).toBe(1);
    expect(rows).toEqual(await alone('add', inputs));
  });

  it('carries texts and integers of 64 bits', async () => {
    const texts = ['a', 'Zürich', ''].map((value) => ({ value }));
    expect((await runBatch('identity-string', texts)).rows).toEqual(await alone('identity-string', texts));
    const integers = ['9007199254740993', 7].map((value) => ({ value }));
    expect((await runBatch('identity-int64', integers)).rows).toEqual([
      { same: '9007199254740993' },
      { same: 7 },
    ]);
  });

  it('runs rows of different shapes, and rows that are batches themselves, beside the others', async () => {
    const inputs = [
      { left: [1, 2], right: [1, 2] },
      {
        left: [
          [1, 2],
          [3, 4],
        ],
        right: [
          [1, 1],
          [1, 1],
        ],
      },
      { left: [5, 6], right: [1, 1] },
    ];
    const { rows, runs } = await runBatch('add', inputs);
    expect(rows).toEqual([
      { sum: [2, 4] },
      {
        sum: [
          [2, 3],
          [4, 5],
        ],
      },
      { sum: [6, 7] },
    ]);
    expect(runs).toBe(2);
  });

  it('lets a row fail alone that is no tensor of the model', async () => {
    const { rows } = await runBatch('add', [
      { left: [1, 2], right: [1, 2] },
      { left: [1, 'two'], right: [1, 2] },
      { left: [1, 2] },
    ]);
    expect(rows).toMatchObject([{ sum: [2, 4] }, { code: 'invalid_input' }, { code: 'invalid_input' }]);
  });

  it('runs a model whose batch is fixed once a row', async () => {
    const inputs = [0, 1].map((n) => ({ value: [n, n + 1, n + 2] }));
    const expected = await alone('fixed-batch', inputs);
    const { rows, runs } = await runBatch('fixed-batch', inputs);
    expect(rows).toEqual(expected);
    expect(runs).toBe(2);
  });

  it('passes each row through the expressions of the definition', async () => {
    const { rows, runs } = await runBatch('add', [1, 2], {
      mapping: {
        request: async (input) => ({ left: [input, 0], right: [1, 1] }),
        response: async (body, input) => ({ body, input }),
      },
    });
    expect(rows).toEqual([
      { body: { sum: [2, 1] }, input: 1 },
      { body: { sum: [3, 1] }, input: 2 },
    ]);
    expect(runs).toBe(1);
  });

  it('is not run for nobody', async () => {
    const adapter = makeAdapter({ url: 'file:add.onnx' });
    opened.push(adapter);
    const attempt = {
      ...createAttempt(null, AbortSignal.abort(new Error('left'))),
      input: [{ left: [1, 1], right: [1, 1] }],
    };
    await expect(adapter.inferBatch?.(attempt)).rejects.toThrow('left');
  });
});
