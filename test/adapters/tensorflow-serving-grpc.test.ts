import { describe, expect, it, onTestFinished, test } from 'vitest';
import { tensorflowServingProtocol } from '../../src/adapters/tensorflow-serving.ts';
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';
import { createAttempt } from '../attempt.ts';
import {
  type GrpcModel,
  startTensorflowServingGrpc,
  type TensorProto,
} from '../servers/tensorflow-serving-grpc.ts';
import { type AdapterOptions, createAdapter, faultsOf } from './adapter-under-test.ts';

/** An adapter for a model that gives its inputs back as they came. */
async function setUp(
  inputs: GrpcModel['inputs'],
  options: JsonObject = {},
  run: GrpcModel['run'] = (tensors) => tensors,
  more: AdapterOptions & { readonly version?: string } = {},
) {
  const { version, ...rest } = more;
  const got: Readonly<Record<string, TensorProto>>[] = [];
  const server = await startTensorflowServingGrpc({
    name: 'echo',
    inputs,
    run(tensors) {
      got.push(tensors);
      return run(tensors);
    },
  });
  const adapter = createAdapter(
    tensorflowServingProtocol,
    { url: server.url, model: 'echo', options, ...(version !== undefined && { model_version: version }) },
    rest,
  );
  onTestFinished(async () => {
    await adapter.close();
    await server.close();
  });
  return { server, adapter, got, infer: (input: JsonValue) => adapter.infer(createAttempt(input)) };
}

const shapeOf = (...sizes: number[]) => ({ dim: sizes.map((size) => ({ size })) });

describe('a row', () => {
  it.each<[string, GrpcModel['inputs'], JsonObject, JsonObject]>([
    ['float', { x: [1, [-1, 2]] }, { x: [0.5, -2] }, { prediction: [0.5, -2] }],
    ['double', { x: [2, [-1]] }, { x: 0.1 }, { prediction: 0.1 }],
    ['int64', { x: [9, [-1, 2]] }, { x: ['9007199254740993', -1] }, { prediction: ['9007199254740993', -1] }],
    ['bool', { x: [10, [-1, 2]] }, { x: [true, false] }, { prediction: [true, false] }],
    ['half', { x: [19, [-1, 1]] }, { x: [0.5] }, { prediction: [0.5] }],
    ['bfloat16', { x: [14, [-1, 1]] }, { x: [-2.5] }, { prediction: [-2.5] }],
    ['text', { x: [7, [-1]] }, { x: 'né' }, { prediction: 'né' }],
    ['an open rank', { x: [1, undefined] }, { x: [[1], [2]] }, { prediction: [[1], [2]] }],
    ['two inputs', { a: [1, [-1]], b: [3, [-1, 1]] }, { a: 1, b: [2] }, { a: 1, b: [2] }],
  ])('of %s goes there and comes back', async (_what, inputs, input, output) => {
    const { infer } = await setUp(inputs);
    await expect(infer(input)).resolves.toEqual(output);
  });

  it('holds bytes in base64, and gives those of outputs named so', async () => {
    const { infer, got } = await setUp(
      { image_bytes: [7, [-1]] },
      { bytes: ['image_bytes'], output_name: 'image' },
    );
    await expect(infer({ image_bytes: '_-8' })).resolves.toEqual({ image: '/+8=' });
    expect(got[0]?.image_bytes?.string_val).toEqual([Buffer.from([0xff, 0xef])]);
  });

  it('that is no base64 where bytes are due is invalid_input', async () => {
    const { infer, server } = await setUp({ image: [7, [-1, 2]] }, { bytes: ['image'] });
    await expect(infer({ image: ['AP8=', 'no base64!'] })).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ pointer: '/image/1', message: 'must be base64' }],
    });
    expect(server.calls).toHaveLength(0);
  });

  it.each<[JsonValue, string, string]>([
    [{ x: [1, 2, 3] }, '/x', 'has the shape [3], where the model takes [2]'],
    [{ x: [1, '2'] }, '/x/1', 'must be a float32 number'],
    [{ x: [1, 1e39] }, '/x/1', 'must be a float32 number'],
    [{ y: [1, 2] }, '', 'must have the property "x", which the model takes'],
    [{ x: [1, 2], y: 1 }, '/y', 'is no input of the model, which takes x'],
  ])('that does not fit is invalid_input, and not sent: %j', async (input, pointer, message) => {
    const { infer, server } = await setUp({ x: [1, [-1, 2]] });
    await expect(infer(input)).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ pointer, message }],
    });
    expect(server.inferences).toBe(0);
  });

  it('of a batch goes with the others, in one call', async () => {
    const { adapter, server, got } = await setUp({ x: [1, [-1, 2]] });
    const rows = [{ x: [1, 2] }, { x: [3, 4] }, { x: [5, 6] }];
    const results = await adapter.inferBatch?.({ ...createAttempt(null), input: rows });
    expect(results).toEqual([{ prediction: [1, 2] }, { prediction: [3, 4] }, { prediction: [5, 6] }]);
    expect(server.inferences).toBe(1);
    expect(got[0]?.x?.tensor_shape.dim).toMatchObject([{ size: '3' }, { size: '2' }]);
  });
});

describe('columns', () => {
  it('go as they are, and come back so', async () => {
    const { infer, got } = await setUp({ x: [1, [-1, 2]] }, { format: 'columnar', output_name: 'y' });
    await expect(
      infer({
        x: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).resolves.toEqual({
      y: [
        [1, 2],
        [3, 4],
      ],
    });
    expect(got[0]?.x?.tensor_shape.dim).toMatchObject([{ size: '2' }, { size: '2' }]);
  });

  it('may come from a mapping, as over REST', async () => {
    const mapping = {
      request: async () => ({ inputs: { x: [[1, 2]] } }),
      response: async (body: JsonValue, input: JsonValue) => [body, input],
    };
    const { infer } = await setUp({ x: [1, [-1, 2]] }, {}, undefined, { mapping });
    await expect(infer('a')).resolves.toEqual([{ outputs: [[1, 2]] }, 'a']);
  });
});

describe('an answer', () => {
  test.each<[string, TensorProto, JsonValue]>([
    ['floats', { dtype: 1, tensor_shape: shapeOf(1, 2), float_val: [0.5, 2] }, [0.5, 2]],
    ['doubles', { dtype: 2, tensor_shape: shapeOf(1, 1), double_val: [0.1] }, [0.1]],
    ['int8', { dtype: 6, tensor_shape: shapeOf(1, 2), int_val: [-1, 127] }, [-1, 127]],
    [
      'int64',
      { dtype: 9, tensor_shape: shapeOf(1, 1), int64_val: ['-9007199254740993'] },
      ['-9007199254740993'],
    ],
    [
      'uint64',
      { dtype: 23, tensor_shape: shapeOf(1, 1), uint64_val: ['18446744073709551615'] },
      ['18446744073709551615'],
    ],
    ['bool', { dtype: 10, tensor_shape: shapeOf(1, 2), bool_val: [true, false] }, [true, false]],
    ['half', { dtype: 19, tensor_shape: shapeOf(1, 1), half_val: [0x3800] }, [0.5]],
    ['bfloat16', { dtype: 14, tensor_shape: shapeOf(1, 1), half_val: [0x3f80] }, [1]],
    ['one value for all', { dtype: 1, tensor_shape: shapeOf(1, 3), float_val: [0.5] }, [0.5, 0.5, 0.5]],
  ])('of %s in a list of its own is read', async (_what, y, expected) => {
    const { infer } = await setUp({ x: [1, [-1]] }, {}, () => ({ y }));
    await expect(infer({ x: 1 })).resolves.toEqual({ prediction: expected });
  });

  test.each<[string, TensorProto, object]>([
    [
      'too many elements',
      { dtype: 1, tensor_shape: shapeOf(1, 1), float_val: [1, 2] },
      { code: 'upstream_error' },
    ],
    ['none', { dtype: 1, tensor_shape: shapeOf(1, 1) }, { code: 'upstream_error' }],
    [
      'bytes cut short',
      { dtype: 1, tensor_shape: shapeOf(1, 1), tensor_content: Buffer.alloc(3) },
      { code: 'upstream_error' },
    ],
    ['complex numbers', { dtype: 8, tensor_shape: shapeOf(1, 1) }, { code: 'upstream_error' }],
    [
      'bytes that are no text',
      { dtype: 7, tensor_shape: shapeOf(1), string_val: [Buffer.from([0xff])] },
      { code: 'invalid_output' },
    ],
  ])('with %s is an error', async (_what, y, expected) => {
    const { infer } = await setUp({ x: [1, [-1]] }, {}, () => ({ y }));
    await expect(infer({ x: 1 })).rejects.toMatchObject(expected);
  });

  test('to a signature that the model does not have names those that it has', async () => {
    const { infer } = await setUp({ x: [1, [-1]] }, { signature_name: 'other' });
    await expect(infer({ x: 1 })).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model has no signature "other"; it has serving_default.',
    });
  });
});

test('the version of the definition is the one that is asked', async () => {
  const { infer, server } = await setUp({ x: [1, [-1]] }, {}, undefined, { version: '7' });
  await infer({ x: 1 });
  expect(server.calls.map(({ request }) => request)).toMatchObject([
    { model_spec: { name: 'echo', version: { value: '7' } }, metadata_field: ['signature_def'] },
    { model_spec: { name: 'echo', version: { value: '7' }, signature_name: 'serving_default' } },
  ]);
});

test('classify and regress are not known over gRPC', () => {
  const endpoint = { url: 'grpc://localhost:8500', model: 'a' };
  expect(faultsOf(tensorflowServingProtocol, endpoint)).toEqual([]);
  expect(faultsOf(tensorflowServingProtocol, { ...endpoint, options: { method: 'classify' } })).toMatchObject(
    [{ pointer: '/endpoint/options/method' }],
  );
});
