import { describe, expect, test } from 'vitest';
import type { JsonValue } from '../../../src/contracts/json.ts';
import { createAttempt } from '../../attempt.ts';
import { text } from '../../servers/model-server.ts';
import fixtures from '../__fixtures__/open-inference.json' with { type: 'json' };
import { calls, type Description, echo, setUp, x } from './setup.ts';

describe('an input that no tensor can be made of is invalid_input, and is not sent:', () => {
  test.each<[string, Description, JsonValue, string, string]>([
    ['a wrong shape', x, { x: [1, 2] }, '/x', 'has the shape [2], where the model takes [?, 3]'],
    [
      'a ragged array',
      x,
      {
        x: [
          [1, 2, 3],
          [4, 5],
        ],
      },
      '/x/1',
      'must be an array of 3, as its first neighbour is',
    ],
    ['a string', x, { x: [1, '2', 3] }, '/x/1', 'must be a float32 number'],
    ['float32 overflow', x, { x: [1, 2, 1e39] }, '/x/2', 'must be a float32 number'],
    [
      'int8 overflow',
      { name: 'x', datatype: 'INT8', shape: [-1] },
      { x: [127, 128] },
      '/x/1',
      'must be an integer from -128 to 127',
    ],
    [
      'a rounded int64',
      { name: 'x', datatype: 'INT64', shape: [-1] },
      { x: [9007199254740992] },
      '/x/0',
      expect.stringContaining('beyond 2^53 a decimal string'),
    ],
    ['a missing input', x, {}, '', 'must have the property "x", which the model takes'],
    ['an input too many', x, { x: [1, 2, 3], z: 1 }, '/z', 'is no input of the model, which takes x'],
    ['no object', x, [1], '', 'must be an object of model inputs'],
  ])('%s', async (_what, input, value, pointer, message) => {
    const { infer, server } = await setUp(echo(input));
    await expect(infer(value)).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ pointer, message }],
      mayHaveRun: false,
    });
    expect(calls(server)).toHaveLength(0);
  });
});

describe('an answer, as documented by those who write it:', () => {
  test.each(fixtures)('$name', async ({ status, body, expected }) => {
    const { infer, server } = await setUp(echo(x));
    server.nextInference(text(body, { status }));
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject(expected);
  });

  test('a model that the server does not know is upstream_error', async () => {
    const { adapter } = await setUp({ ...echo(x), name: 'other' });
    await expect(adapter.infer(createAttempt({ x: [1, 2, 3] }))).rejects.toMatchObject({
      code: 'upstream_error',
      upstreamStatus: 404,
      mayHaveRun: false,
    });
    await expect(adapter.probe(new AbortController().signal)).resolves.toMatchObject({ state: 'not_ready' });
  });

  test('a 404 of a server without an index is upstream_error', async () => {
    const { adapter, server, infer } = await setUp(echo(x));
    await adapter.probe(new AbortController().signal);
    const absent = text('{"error":"Model with requested name is not found"}', { status: 404 });
    server.next(absent, text('', { status: 404 }));
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject({
      code: 'upstream_error',
      mayHaveRun: false,
    });
  });

  test('the mapping gets properties, and gives tensors', async () => {
    const mapping = {
      request: async (input: JsonValue) => ({ x: [input, 2, 3] }) as JsonValue,
      response: async (body: JsonValue, input: JsonValue) => [body, input],
    };
    const { infer } = await setUp(echo(x), {}, { mapping });
    await expect(infer(1)).resolves.toEqual([{ y: [1, 2, 3] }, 1]);
  });
});
