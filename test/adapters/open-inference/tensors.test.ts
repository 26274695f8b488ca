import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../src/contracts/json.ts';
import { createAttempt } from '../../attempt.ts';
import { text } from '../../servers/model-server.ts';
import type { StandInModel } from '../../servers/open-inference.ts';
import { calls, echo, setUp, x } from './setup.ts';

describe('tensors', () => {
  it('are made of named properties by the metadata of the model, and taken apart again', async () => {
    const model: StandInModel = {
      name: 'double',
      inputs: [
        x,
        { name: 'flag', datatype: 'BOOL', shape: [-1, 1] },
        { name: 'word', datatype: 'BYTES', shape: [-1, 1] },
      ],
      outputs: [
        { name: 'sum', datatype: 'FP64', shape: [-1] },
        { name: 'word', datatype: 'BYTES', shape: [-1, 1] },
      ],
      run: ([numbers, flag, word]) => [
        {
          name: 'sum',
          datatype: 'FP64',
          shape: [1],
          data: [
            (numbers?.data ?? []).reduce<number>(
              (sum, value) => sum + Number(value),
              flag?.data[0] ? 100 : 0,
            ),
          ],
        },
        { name: 'word', datatype: 'BYTES', shape: [1, 1], data: word?.data ?? [] },
      ],
    };
    const { infer, server } = await setUp(model);
    await expect(infer({ x: [1, 2, 3], flag: [true], word: ['né'] })).resolves.toEqual({
      sum: 106,
      word: ['né'],
    });
    expect(JSON.parse(calls(server)[0]?.body ?? '')).toEqual({
      id: 'request-1',
      inputs: [
        { name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] },
        { name: 'flag', shape: [1, 1], datatype: 'BOOL', data: [true] },
        { name: 'word', shape: [1, 1], datatype: 'BYTES', data: ['né'] },
      ],
      outputs: [{ name: 'sum' }, { name: 'word' }],
    });
    expect(calls(server)[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-request-id': 'request-1',
    });
  });

  it('keep a batch that is given, and take one that was added off again', async () => {
    const { infer } = await setUp(echo(x));
    await expect(
      infer({
        x: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      }),
    ).resolves.toEqual({
      y: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    });
    await expect(infer({ x: [1, 2, 3] })).resolves.toEqual({ y: [1, 2, 3] });
  });

  it('may be flat in the input, and nested in the answer', async () => {
    const { infer, server } = await setUp(echo({ name: 'x', datatype: 'INT32', shape: [2, 2] }));
    await expect(infer({ x: [1, 2, 3, 4] })).resolves.toEqual({
      y: [
        [1, 2],
        [3, 4],
      ],
    });
    const nested = {
      name: 'y',
      datatype: 'INT32',
      shape: [2, 2],
      data: [
        [5, 6],
        [7, 8],
      ],
    };
    server.nextInference(text(JSON.stringify({ outputs: [nested] })));
    await expect(
      infer({
        x: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).resolves.toEqual({
      y: [
        [5, 6],
        [7, 8],
      ],
    });
  });

  it('have the names, datatypes and shapes that the options give', async () => {
    const model = echo({ name: 'INPUT__0', datatype: 'FP32', shape: [-1, 3] });
    const { infer, server } = await setUp(model, {
      inputs: { features: { tensor: 'INPUT__0', datatype: 'FP64', shape: [-1, 2] } },
      outputs: { best: { tensor: 'y', take: 'argmax', labels: ['cat', 'dog'] }, raw: 'y' },
    });
    await expect(infer({ features: [0.1, 0.9] })).resolves.toEqual({ best: 'dog', raw: [0.1, 0.9] });
    expect(model.got[0]).toMatchObject({ name: 'INPUT__0', datatype: 'FP64', shape: [1, 2] });
    expect(JSON.parse(calls(server)[0]?.body ?? '').outputs).toEqual([{ name: 'y' }]);
  });

  it('come from the options alone where the server describes none', async () => {
    const model = { ...echo(x), inputs: [], outputs: [] };
    const { infer, server } = await setUp(
      model,
      { inputs: { x: { datatype: 'FP32', shape: [-1, 2] } } },
      { kind: 'mlserver' },
    );
    await expect(infer({ x: [1, 2] })).resolves.toEqual({ y: [1, 2] });
    expect(JSON.parse(calls(server)[0]?.body ?? '').outputs).toBeUndefined();
  });

  it('that nobody describes are a fault of the definition, told by the probe as well', async () => {
    const { infer, adapter } = await setUp({ ...echo(x), inputs: [] });
    await expect(infer({ x: [1, 2] })).rejects.toMatchObject({ code: 'model_not_ready', retryable: false });
    await expect(adapter.probe(new AbortController().signal)).resolves.toMatchObject({
      state: 'not_ready',
      reason: expect.stringContaining('options.inputs'),
    });
  });

  it('of int64 are exact beyond 2^53, both ways, as JSON and as bytes', async () => {
    for (const binary of ['never', 'always']) {
      const model = echo({ name: 'x', datatype: 'INT64', shape: [-1] });
      const { infer } = await setUp(model, { binary });
      const wide = ['9007199254740993', '-9223372036854775808', 7];
      await expect(infer({ x: wide })).resolves.toEqual({ y: wide });
    }
  });

  it.each(['NaN', '-Infinity', 'null'])('of %s in the JSON are invalid_output', async (word) => {
    const { infer, server } = await setUp(echo(x), { binary: 'never' });
    server.nextInference(
      text(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"data":[1,${word},1]}]}`),
    );
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject({
      code: 'invalid_output',
      message: expect.stringContaining(`${word} in "y" at 1`),
    });
  });

  it('of NaN among bytes are given on for the output schema to refuse', async () => {
    const { infer } = await setUp(
      { ...echo(x), run: () => [{ ...x, name: 'y', shape: [1, 3], data: [1, Number.NaN, 3] }] },
      { binary: 'always' },
    );
    await expect(infer({ x: [1, 2, 3] })).resolves.toEqual({ y: [1, Number.NaN, 3] });
  });

  it('of the version that the definition names', async () => {
    const { infer, server } = await setUp(echo(x), {}, { version: '1' });
    await infer({ x: [1, 2, 3] });
    expect(calls(server)[0]?.path).toBe('/v2/models/double/versions/1/infer');
  });
});

describe('a batch', () => {
  const batchOf = (...input: JsonValue[]) => ({ ...createAttempt(null), input });

  it('goes as one, and each row gets its own output; a bad row fails alone', async () => {
    const model = echo(x);
    const { adapter, server } = await setUp(model);
    const results = await adapter.inferBatch?.(batchOf({ x: [1, 2, 3] }, { x: [1] }, { x: [4, 5, 6] }));
    expect(results).toEqual([
      { y: [1, 2, 3] },
      expect.objectContaining({ code: 'invalid_input' }),
      { y: [4, 5, 6] },
    ]);
    expect(server.inferences).toBe(1);
    expect(model.got).toMatchObject([{ shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }]);
  });

  it.each(['never', 'always'])('of texts goes as one (bytes %s)', async (binary) => {
    const { adapter, server } = await setUp(echo({ name: 'x', datatype: 'BYTES', shape: [-1, 1] }), {
      binary,
    });
    const results = await adapter.inferBatch?.(batchOf({ x: ['a'] }, { x: ['né'] }));
    expect(results).toEqual([{ y: ['a'] }, { y: ['né'] }]);
    expect(server.inferences).toBe(1);
  });

  it('goes apart where shapes differ, where a row has a batch of its own, and where the model takes none', async () => {
    const words = { name: 'x', datatype: 'INT32', shape: [-1, -1] };
    const some = await setUp(echo(words));
    await expect(
      some.adapter.inferBatch?.(batchOf({ x: [1] }, { x: [1, 2] }, { x: [3] }, { x: [[4], [5]] })),
    ).resolves.toEqual([{ y: [1] }, { y: [1, 2] }, { y: [3] }, { y: [[4], [5]] }]);
    expect(some.server.inferences).toBe(3);

    const none = await setUp(echo({ name: 'x', datatype: 'INT32', shape: [1, 1] }));
    await expect(none.adapter.inferBatch?.(batchOf({ x: [1] }, { x: [2] }))).resolves.toEqual([
      { y: [1] },
      { y: [2] },
    ]);
    expect(none.server.inferences).toBe(2);
  });

  it('for which the model gives fewer rows is upstream_error', async () => {
    const model = { ...echo(x), run: () => [{ ...x, name: 'y', shape: [1, 3], data: [1, 2, 3] }] };
    const { adapter } = await setUp(model);
    await expect(adapter.inferBatch?.(batchOf({ x: [1, 2, 3] }, { x: [1, 2, 3] }))).rejects.toMatchObject({
      code: 'upstream_error',
    });
  });
});
