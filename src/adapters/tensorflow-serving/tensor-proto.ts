import { SkillgateError } from '../../contracts/errors.ts';
import { fromBfloat16Bits } from '../../lib/bfloat16.ts';
import {
  bytesAt,
  bytesField,
  messageField,
  messagesAt,
  numberField,
  numbersAt,
  type ProtobufField,
} from '../../lib/protobuf.ts';
import type { TensorType } from '../shared/elements.ts';
import { tensorFromBytes, tensorToBytes } from '../shared/tensor-bytes.ts';
import { sizeOf, type TensorData } from '../shared/tensors.ts';

/** The data types (tensorflow/core/framework/types.proto) that JSON can carry, and what they are here. */
const dataTypes: ReadonlyMap<number, TensorType> = new Map([
  [1, 'float32'],
  [2, 'float64'],
  [3, 'int32'],
  [4, 'uint8'],
  [5, 'int16'],
  [6, 'int8'],
  [7, 'bytes'],
  [9, 'int64'],
  [10, 'bool'],
  [14, 'bfloat16'],
  [17, 'uint16'],
  [19, 'float16'],
  [22, 'uint32'],
  [23, 'uint64'],
]);
const numbersOfTypes = new Map([...dataTypes].map(([number, type]) => [type, number]));

/** What a data type is here; undefined for those that JSON cannot carry. */
export function typeOfDataType(number: number): TensorType | undefined {
  return dataTypes.get(number);
}

/** Where TensorProto keeps elements that it does not write as bytes, by their type. */
const listFields: Readonly<Partial<Record<TensorType, number>>> = {
  float32: 5,
  float64: 6,
  int32: 7,
  uint8: 7,
  int16: 7,
  int8: 7,
  uint16: 7,
  int64: 10,
  bool: 11,
  float16: 13,
  bfloat16: 13,
  uint32: 16,
  uint64: 17,
};

/** Writes a TensorProto: numbers as bytes (`tensor_content`), strings one by one (`string_val`). */
export function writeTensor({ type, dims, data }: TensorData): Buffer {
  const elements = Array.isArray(data)
    ? data.map((element) => bytesField(8, element))
    : [bytesField(4, tensorToBytes({ type, dims, data }))];
  return Buffer.concat([
    numberField(1, numbersOfTypes.get(type) ?? 0),
    messageField(
      2,
      dims.map((size) => messageField(2, [numberField(1, size)])),
    ),
    ...elements,
  ]);
}

/** Reads a TensorShapeProto: -1 for a dimension that is open; undefined where the rank is. */
export function readShape(fields: readonly ProtobufField[]): number[] | undefined {
  if (numbersAt(fields, 3).at(-1) === 1n) return undefined;
  return messagesAt(fields, 2).map((dim) => Number(BigInt.asIntN(64, numbersAt(dim, 1).at(-1) ?? 0n)));
}

/**
 * Reads a TensorProto.
 *
 * @throws SkillgateError `upstream_error` for a data type that JSON cannot carry, and elements that are too few
 */
export function readTensor(fields: readonly ProtobufField[]): TensorData {
  const number = Number(numbersAt(fields, 1).at(-1) ?? 0n);
  const type = typeOfDataType(number);
  if (type === undefined) {
    throw new SkillgateError(
      'upstream_error',
      `The model gave a tensor of data type ${number}, which JSON cannot carry.`,
    );
  }
  const dims = readShape(messagesAt(fields, 2).at(-1) ?? []) ?? [];
  if (type === 'bytes') return { type, dims, data: fill(bytesAt(fields, 8), dims) };
  const content = bytesAt(fields, 4).at(-1);
  if (content !== undefined && content.length > 0) return tensorFromBytes(type, dims, content);
  return readList(type, dims, fields);
}

function readList(type: TensorType, dims: readonly number[], fields: readonly ProtobufField[]): TensorData {
  const field = listFields[type] ?? 0;
  const width = { float32: 4, float64: 8 }[type as string];
  if (width !== undefined) {
    const bytes = Buffer.concat(bytesAt(fields, field));
    const given = tensorFromBytes(type, [Math.floor(bytes.length / width)], bytes);
    return { type, dims, data: Float64Array.from(fill(Array.from(given.data, Number), dims)) };
  }
  const numbers = fill(numbersAt(fields, field), dims);
  if (type === 'int64') return { type, dims, data: BigInt64Array.from(numbers) };
  if (type === 'uint64') return { type, dims, data: BigUint64Array.from(numbers) };
  const read = readers[type] ?? ((value: bigint) => Number(BigInt.asIntN(32, value)));
  return type === 'bool'
    ? { type, dims, data: Uint8Array.from(numbers, Number) }
    : { type, dims, data: Float64Array.from(numbers, read) };
}

const readers: Readonly<Partial<Record<TensorType, (value: bigint) => number>>> = {
  uint32: Number,
  bfloat16: (bits) => fromBfloat16Bits(Number(bits)),
  float16: (bits) => new Float16Array(Uint16Array.of(Number(bits)).buffer)[0] ?? Number.NaN,
};

/** A list that is shorter than its tensor goes on with its last element (tensorflow/core/framework/tensor.cc). */
function fill<Element>(given: readonly Element[], dims: readonly number[]): Element[] {
  const size = sizeOf(dims);
  const last = given.at(-1);
  if (given.length > size || (last === undefined && size > 0)) {
    throw new SkillgateError(
      'upstream_error',
      `The model gave ${given.length} elements for [${dims.join(', ')}].`,
    );
  }
  if (last === undefined) return [];
  return [...given, ...new Array<Element>(size - given.length).fill(last)];
}
