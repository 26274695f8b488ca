import { SkillgateError } from '../../contracts/errors.ts';
import { fromBfloat16Bits, toBfloat16Bits } from '../../lib/bfloat16.ts';
import type { TensorType, TensorValues } from './elements.ts';
import { sizeOf, type TensorData } from './tensors.ts';

type NumericArray = Exclude<TensorValues, unknown[]>;

/** How numbers lie in memory: as model servers take them where the machine is little-endian, which all we run on are. */
const views: Readonly<Record<string, (buffer: ArrayBuffer) => NumericArray>> = {
  bool: (buffer) => new Uint8Array(buffer),
  float16: (buffer) => new Float16Array(buffer),
  float32: (buffer) => new Float32Array(buffer),
  float64: (buffer) => new Float64Array(buffer),
  int8: (buffer) => new Int8Array(buffer),
  int16: (buffer) => new Int16Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
  int64: (buffer) => new BigInt64Array(buffer),
  uint8: (buffer) => new Uint8Array(buffer),
  uint16: (buffer) => new Uint16Array(buffer),
  uint32: (buffer) => new Uint32Array(buffer),
  uint64: (buffer) => new BigUint64Array(buffer),
};

/** Whether the elements of this type are of one size. */
export function isFixedSize(type: TensorType): boolean {
  return Object.hasOwn(views, type) || type === 'bfloat16';
}

/**
 * Writes the elements of a tensor as bytes: little-endian, row-major, without gaps; texts and bytes each after their
 * length in four bytes (Open Inference Protocol, binary tensor data extension; raw contents over gRPC).
 */
export function tensorToBytes({ type, data }: TensorData): Buffer {
  if (Array.isArray(data)) {
    return Buffer.concat(
      data.flatMap((element) => {
        const bytes = Buffer.from(element);
        const length = Buffer.alloc(4);
        length.writeUInt32LE(bytes.length);
        return [length, bytes];
      }),
    );
  }
  if (data instanceof Float32Array && type === 'bfloat16')
    return bytesOf(Uint16Array.from(data, toBfloat16Bits));
  return bytesOf(data);
}

/**
 * Reads the elements of a tensor from bytes as `tensorToBytes` writes them.
 *
 * @throws SkillgateError `upstream_error` where the bytes are not as many as the dimensions ask for
 */
export function tensorFromBytes(type: TensorType, dims: readonly number[], bytes: Uint8Array): TensorData {
  const length = sizeOf(dims);
  if (!isFixedSize(type)) return { type, dims, data: readLengthPrefixed(bytes, length) };
  // A copy, since the bytes may lie where no array of wider elements may begin.
  const { buffer } = new Uint8Array(bytes);
  const data = viewOf(type, buffer);
  if (data?.length === length) return { type, dims, data };
  throw new SkillgateError(
    'upstream_error',
    `The model server sent ${bytes.length} bytes for a tensor of ${length} elements.`,
  );
}

/** The elements that lie in a buffer; undefined where their size does not divide its length. */
function viewOf(type: TensorType, buffer: ArrayBuffer): NumericArray | undefined {
  if (type === 'bfloat16') {
    return buffer.byteLength % 2 === 0
      ? Float32Array.from(new Uint16Array(buffer), fromBfloat16Bits)
      : undefined;
  }
  try {
    return views[type]?.(buffer);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function readLengthPrefixed(bytes: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = view.getUint32(at, true);
    if (at + 4 + length > bytes.length) break;
    elements.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (at === bytes.length && elements.length === count) return elements;
  throw new SkillgateError(
    'upstream_error',
    `The model server sent no ${count} byte strings where they are due.`,
  );
}

function bytesOf({ buffer, byteOffset, byteLength }: NumericArray): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
