import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOnnxType } from '../../../src/adapters/onnx/tensors.ts';
import { isTensorType, type TensorType } from '../../../src/adapters/shared/elements.ts';
import {
  decodeTensor,
  encodeTensor,
  type TensorData,
  type TensorSpec,
} from '../../../src/adapters/shared/tensors.ts';
import type { JsonValue } from '../../../src/contracts/json.ts';
import { roundToBfloat16 } from '../../../src/lib/bfloat16.ts';

/** A tensor of any type and up to three dimensions, none of them empty. */
const anyTensor: fc.Arbitrary<TensorData> = fc
  .array(fc.integer({ min: 1, max: 4 }), { maxLength: 3 })
  .chain((dims) => {
    const length = dims.reduce((product, size) => product * size, 1);
    const exactly = { minLength: length, maxLength: length };
    const finite = { ...exactly, noNaN: true, noDefaultInfinity: true };
    const tensor = (type: TensorType) => (data: TensorData['data']) => ({ type, dims, data });
    return fc.oneof(
      fc
        .array(
          fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
          exactly,
        )
        .map(tensor('string')),
      fc.array(fc.string({ unit: 'binary' }), exactly).map(tensor('bytes')),
      fc
        .array(
          fc.uint8Array().map((bytes) => Buffer.from(bytes)),
          exactly,
        )
        .map(tensor('base64')),
      fc.uint8Array({ ...exactly, max: 1 }).map(tensor('bool')),
      fc
        .array(fc.float({ max: 65504, min: -65504, noNaN: true }), exactly)
        .map((values) => Float16Array.from(values))
        .map(tensor('float16')),
      fc
        .float32Array(finite)
        .map((values) => values.map(roundToBfloat16).filter(Number.isFinite))
        .filter((values) => values.length === length)
        .map(tensor('bfloat16')),
      fc.float32Array(finite).map(tensor('float32')),
      fc.float64Array(finite).map(tensor('float64')),
      fc.int8Array(exactly).map(tensor('int8')),
      fc.int16Array(exactly).map(tensor('int16')),
      fc.int32Array(exactly).map(tensor('int32')),
      fc.bigInt64Array(exactly).map(tensor('int64')),
      fc.uint8Array(exactly).map(tensor('uint8')),
      fc.uint16Array(exactly).map(tensor('uint16')),
      fc.uint32Array(exactly).map(tensor('uint32')),
      fc.bigUint64Array(exactly).map(tensor('uint64')),
    );
  });

function spec(type: TensorType, shape: TensorSpec['shape']): TensorSpec {
  return { name: 'input', type, shape };
}

function encode(type: TensorType, shape: TensorSpec['shape'], value: JsonValue) {
  return encodeTensor(spec(type, shape), value, '/input');
}

describe('tensors and JSON', () => {
  it('gives the same tensor back after a way through JSON text', () => {
    fc.assert(
      fc.property(anyTensor, (tensor) => {
        const json: JsonValue = JSON.parse(JSON.stringify(decodeTensor(tensor)));
        const back = encodeTensor(spec(tensor.type, tensor.dims), json, '');
        expect(back.addedDims).toBe(0);
        expect(back.tensor).toEqual({ ...tensor, data: withoutNegativeZero(tensor.data) });
      }),
    );
  });

  it('answers any JSON with a tensor of the right size, or with invalid_input at a place in it', () => {
    const anyType = fc.constantFrom<TensorType>('string', 'bool', 'float32', 'int64', 'uint8');
    const anyShape = fc.array(fc.oneof(fc.constant('N'), fc.integer({ min: 0, max: 3 })), { maxLength: 3 });
    const nested = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constantFrom<JsonValue>(0, 1, -1, 1.5, 'a', '7', true, null, {}),
        fc.array(tie('value'), { maxLength: 3 }),
      ),
    }));
    fc.assert(
      fc.property(anyType, anyShape, nested.value, (type, shape, value) => {
        let encoded: ReturnType<typeof encode>;
        try {
          encoded = encode(type, shape, value);
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_input', faults: [{ keyword: 'tensor' }] });
          return;
        }
        const { dims, data } = encoded.tensor;
        expect(data.length).toBe(dims.reduce((product, size) => product * size, 1));
      }),
    );
  });

  it('takes int64 as a safe number or as decimal digits', () => {
    const { tensor } = encode('int64', ['N'], [9007199254740991, '-9223372036854775808', '007']);
    expect(tensor.data).toEqual(BigInt64Array.of(9007199254740991n, -(2n ** 63n), 7n));
  });

  it.each<[TensorType, JsonValue]>([
    ['int64', 9007199254740992],
    ['int64', '9223372036854775808'],
    ['int64', '0x10'],
    ['int64', ''],
    ['int64', 1.5],
    ['uint64', -1],
    ['int8', 128],
    ['uint8', '1'],
    ['float32', 1e39],
    ['float32', '1'],
    ['bool', 1],
    ['string', 1],
    ['string', null],
    ['string', 'cut\0off'],
    ['bytes', 1],
    ['bytes', { b64: 'a' }],
    ['bytes', { b64: 'QQ==', name: 'a' }],
    ['base64', 'no base64!'],
    ['base64', 'a'],
    ['base64', 'QQ='],
    ['base64', 'a+_b'],
    ['float16', 65520],
    ['bfloat16', 3.4e38],
    ['int32', 2147483648],
    ['uint32', -1],
    ['float64', null],
  ])('refuses as %s the value %j', (type, value) => {
    expect(() => encode(type, ['N'], value)).toThrow(/^\/input must be /);
  });

  it('adds dimensions of one in front only where the model leaves them open or fixes them to one', () => {
    expect(encode('string', ['N'], 'text')).toMatchObject({ tensor: { dims: [1] }, addedDims: 1 });
    expect(encode('string', ['', 1], 'text')).toMatchObject({ tensor: { dims: [1, 1] }, addedDims: 2 });
    expect(encode('float32', [1, 2], [1, 2])).toMatchObject({ tensor: { dims: [1, 2] }, addedDims: 1 });
    expect(() => encode('float32', [2, 2], [1, 2])).toThrow(
      'has the shape [2], where the model takes [2, 2]',
    );
  });

  it('takes a flat list as row-major, where it has as many elements as the dimensions ask for', () => {
    const flat = [1, 2, 3, 4, 5, 6];
    expect(encode('float32', [2, 3], flat)).toMatchObject({ tensor: { dims: [2, 3] }, addedDims: 0 });
    expect(encode('float32', ['N', 3, 2], flat)).toMatchObject({ tensor: { dims: [1, 3, 2] }, addedDims: 1 });
    expect(() => encode('float32', ['N', 3], flat)).toThrow(
      'has the shape [6], where the model takes [N, 3]',
    );
  });

  it('takes bytes as text or marked as base64, and gives base64 where that is asked for', () => {
    const { tensor } = encode('bytes', ['N'], ['é', { b64: '_-8' }]);
    expect(tensor.data).toEqual(['é', Buffer.from([0xff, 0xef])]);
    const bytes = encode('base64', [], 'data').tensor;
    expect(bytes.data).toEqual([Buffer.from('data', 'base64')]);
    expect(decodeTensor(bytes)).toBe('data');
    expect(() => decodeTensor({ type: 'bytes', dims: [1], data: [Uint8Array.of(0xff)] })).toThrow(
      /bytes that are no text/,
    );
  });

  it('gives no tensor whose values are fewer than its dimensions say', () => {
    expect(() => decodeTensor({ type: 'float32', dims: [3], data: new Float32Array(2) })).toThrow(/less/);
  });

  it('takes the shape of the value where the model tells none', () => {
    expect(encode('float32', [], [[1], [2]]).tensor.dims).toEqual([2, 1]);
  });

  it('keeps an empty batch', () => {
    expect(encode('string', ['N'], []).tensor).toEqual({ type: 'string', dims: [0], data: [] });
    expect(decodeTensor({ type: 'float32', dims: [2, 0], data: new Float32Array() })).toEqual([[], []]);
  });

  it('shows where an array is ragged, at every depth', () => {
    expect(() => encode('float32', ['N', 2], [[1, 2], [3]])).toThrow('/input/1 must be an array of 2');
    expect(() =>
      encode(
        'float32',
        ['N', 2],
        [
          [1, [2]],
          [3, 4],
        ],
      ),
    ).toThrow('/input/0/1 must be no array');
    expect(() => encode('float32', ['N', 2], [[1, 2], 3])).toThrow('/input/1 must be an array of 2');
  });

  it('refuses at once what only pretends to be huge', () => {
    const row = new Array<JsonValue>(100_000).fill(0);
    const value = new Array<JsonValue>(100_000).fill(0);
    value[0] = row;
    expect(() => encode('float32', ['N', 'M'], value)).toThrow('/input/1 must be an array of 100000');
  });

  it('knows no type that JSON cannot carry, nor one that the ONNX runtime takes in another form', () => {
    expect(['int4', 'toString', '__proto__'].filter(isTensorType)).toEqual([]);
    expect(['float16', 'bfloat16', 'bytes', 'base64', 'int4', '__proto__'].filter(isOnnxType)).toEqual([]);
  });
});

/** JSON text knows no negative zero. */
function withoutNegativeZero(data: TensorData['data']): TensorData['data'] {
  if (data instanceof Float16Array) return data.map((value) => value + 0);
  return data instanceof Float32Array || data instanceof Float64Array ? data.map((value) => value + 0) : data;
}
