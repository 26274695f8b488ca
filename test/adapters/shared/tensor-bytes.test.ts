import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createElements, type TensorType } from '../../../src/adapters/shared/elements.ts';
import { tensorFromBytes, tensorToBytes } from '../../../src/adapters/shared/tensor-bytes.ts';
import type { JsonValue } from '../../../src/contracts/json.ts';

const values: Readonly<Record<string, fc.Arbitrary<JsonValue>>> = {
  text: fc.string({ unit: 'binary' }),
  bool: fc.boolean(),
  float16: fc.integer({ min: -2048, max: 2048 }),
  bfloat16: fc.integer({ min: -256, max: 256 }),
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  int8: fc.integer({ min: -128, max: 127 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
};

const tensor = fc.constantFrom(...Object.keys(values)).chain((type) =>
  fc.array(values[type] ?? fc.constant(null), { minLength: 1, maxLength: 20 }).map((leaves) => {
    const elements = createElements(type as TensorType, leaves.length);
    elements.write(leaves, 0, (_index, expected) => {
      throw new Error(expected);
    });
    return { type: type as TensorType, dims: [leaves.length], data: elements.data };
  }),
);

it('gives the same tensor back after a way through bytes, wherever they lie in their buffer', () => {
  fc.assert(
    fc.property(tensor, fc.nat(7), (original, offset) => {
      const bytes = tensorToBytes(original);
      const moved = Buffer.concat([Buffer.alloc(offset), bytes]).subarray(offset);
      const back = tensorFromBytes(original.type, original.dims, moved);
      const read = Array.from(back.data as ArrayLike<unknown>, (element) =>
        element instanceof Uint8Array ? Buffer.from(element).toString() : element,
      );
      expect(read).toEqual(Array.from(original.data as ArrayLike<unknown>));
    }),
  );
});

it.each<[TensorType, readonly number[]]>([
  ['float32', [0, 0, 0]],
  ['int64', [1, 2, 3, 4]],
  ['bfloat16', [1]],
  ['bool', []],
  ['text', [1, 0, 0]],
  ['text', [9, 0, 0, 0, 65]],
  ['text', [0, 0, 0, 0, 0, 0, 0, 0]],
])('refuses as one %s the bytes %j', (type, bytes) => {
  expect(() => tensorFromBytes(type, [1], Uint8Array.from(bytes))).toThrow(/The model server sent/);
});

it('writes little-endian numbers, and texts after their length', () => {
  expect([...tensorToBytes({ type: 'int32', dims: [1], data: Int32Array.of(258) })]).toEqual([2, 1, 0, 0]);
  expect([...tensorToBytes({ type: 'text', dims: [1], data: ['é'] })]).toEqual([2, 0, 0, 0, 0xc3, 0xa9]);
});
