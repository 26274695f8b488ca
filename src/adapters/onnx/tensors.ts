import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';

/** The values of a tensor, row-major. A bool is a byte of 0 or 1. */
export type TensorValues =
  | string[]
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array;

/** A tensor as it travels between the threads. */
export interface TensorData {
  readonly type: TensorType;
  readonly dims: readonly number[];
  readonly data: TensorValues;
}

/** What a model says of one of its inputs or outputs. */
export interface TensorSpec {
  readonly name: string;
  readonly type: TensorType;
  /** A number for a fixed dimension, text for one that varies. Empty for a scalar, or where the model does not say. */
  readonly shape: readonly (number | string)[];
}

/** Refuses the element at an index, and says what it should be. */
type Fail = (index: number, expected: string) => never;
type Encode = (leaves: readonly JsonValue[], fail: Fail) => TensorValues;

/** The element types that JSON can carry, each with how it is made from JSON. float16 and int4 are not among them. */
const encoders = {
  // The runtime's binding cuts a text at a zero character without a word.
  string: (leaves, fail) =>
    leaves.map((leaf, index) =>
      typeof leaf === 'string' && !leaf.includes('\0') ? leaf : fail(index, 'a string without U+0000'),
    ),
  bool: (leaves, fail) =>
    Uint8Array.from(leaves, (leaf, index) =>
      typeof leaf === 'boolean' ? Number(leaf) : fail(index, 'a boolean'),
    ),
  float32: (leaves, fail) => Float32Array.from(leaves, floatReader(Math.fround, 'a float32 number', fail)),
  float64: (leaves, fail) => Float64Array.from(leaves, floatReader(Number, 'a number', fail)),
  int8: (leaves, fail) => Int8Array.from(leaves, integerReader(-(2 ** 7), 2 ** 7 - 1, fail)),
  int16: (leaves, fail) => Int16Array.from(leaves, integerReader(-(2 ** 15), 2 ** 15 - 1, fail)),
  int32: (leaves, fail) => Int32Array.from(leaves, integerReader(-(2 ** 31), 2 ** 31 - 1, fail)),
  int64: (leaves, fail) => BigInt64Array.from(leaves, bigintReader(-(2n ** 63n), 2n ** 63n - 1n, fail)),
  uint8: (leaves, fail) => Uint8Array.from(leaves, integerReader(0, 2 ** 8 - 1, fail)),
  uint16: (leaves, fail) => Uint16Array.from(leaves, integerReader(0, 2 ** 16 - 1, fail)),
  uint32: (leaves, fail) => Uint32Array.from(leaves, integerReader(0, 2 ** 32 - 1, fail)),
  uint64: (leaves, fail) => BigUint64Array.from(leaves, bigintReader(0n, 2n ** 64n - 1n, fail)),
} satisfies Record<string, Encode>;

export type TensorType = keyof typeof encoders;

/** Whether JSON can carry elements of this ONNX type. */
export function isTensorType(type: string): type is TensorType {
  return Object.hasOwn(encoders, type);
}

/**
 * Makes a tensor out of a JSON value: a scalar, or arrays nested to the tensor's rank. A value with fewer dimensions
 * than the input is preceded by dimensions of one, where the model leaves those open: that is how one example becomes
 * a batch of one.
 *
 * @param pointer JSON Pointer to the value, for faults
 * @returns the tensor, and how many dimensions were added in front
 * @throws SkillgateError `invalid_input` where an array is ragged, a dimension or an element does not fit
 */
export function encodeTensor(spec: TensorSpec, value: JsonValue, pointer: string): EncodedTensor {
  const leaves: JsonValue[] = [];
  const ownDims = dimsOf(value);
  collectLeaves(value, ownDims, leaves, pointer);
  const dims = fitDims(ownDims, spec, pointer);
  const data = encoders[spec.type](leaves, (index, expected) =>
    refuse(`${pointer}${pointerToElement(index, ownDims)}`, `must be ${expected}`),
  );
  return { tensor: { type: spec.type, dims, data }, addedDims: dims.length - ownDims.length };
}

export interface EncodedTensor {
  readonly tensor: TensorData;
  readonly addedDims: number;
}

/**
 * Makes JSON out of a tensor: a scalar, or arrays nested to its rank. 64-bit integers beyond 2^53 become decimal
 * strings, since a JavaScript number would lose digits. NaN and the infinities stay as they are, and fail the
 * validation of the output.
 */
export function decodeTensor({ type, dims, data }: TensorData): JsonValue {
  let next = 0;
  const nest = (depth: number): JsonValue => {
    const size = dims[depth];
    if (size === undefined) {
      const element = toJson(type, data[next]);
      next += 1;
      return element;
    }
    const items = new Array<JsonValue>(size);
    for (let index = 0; index < size; index += 1) items[index] = nest(depth + 1);
    return items;
  };
  return nest(0);
}

function toJson(type: TensorType, element: string | number | bigint | undefined): JsonValue {
  if (element === undefined)
    throw new SkillgateError('upstream_error', 'The model gave less than its output holds.');
  if (type === 'bool') return element !== 0;
  if (typeof element !== 'bigint') return element;
  const number = Number(element);
  return Number.isSafeInteger(number) ? number : String(element);
}

/** The dimensions of a value, as its first elements have them. */
function dimsOf(value: JsonValue): number[] {
  const dims: number[] = [];
  let inner: JsonValue | undefined = value;
  while (Array.isArray(inner)) {
    dims.push(inner.length);
    inner = inner[0];
  }
  return dims;
}

/** Appends the elements of a value, row-major. The path is where the walk stands: one index a dimension. */
function collectLeaves(
  value: JsonValue,
  dims: readonly number[],
  leaves: JsonValue[],
  pointer: string,
  path: readonly number[] = [],
): void {
  const size = dims[path.length];
  if (size === undefined && !Array.isArray(value)) {
    leaves.push(value);
  } else if (Array.isArray(value) && value.length === size) {
    const inner = [...path, 0];
    for (let index = 0; index < size; index += 1) {
      inner[path.length] = index;
      collectLeaves(value[index] ?? null, dims, leaves, pointer, inner);
    }
  } else {
    const expected = size === undefined ? 'no array' : `an array of ${size}`;
    refuse([pointer, ...path].join('/'), `must be ${expected}, as its first neighbour is`);
  }
}

function fitDims(ownDims: readonly number[], { shape }: TensorSpec, pointer: string): readonly number[] {
  if (shape.length === 0) return ownDims;
  const added = shape.length - ownDims.length;
  const dims = added > 0 ? [...new Array<number>(added).fill(1), ...ownDims] : ownDims;
  const fits = added >= 0 && shape.every((size, axis) => typeof size === 'string' || size === dims[axis]);
  if (!fits) refuse(pointer, `has the shape ${show(ownDims)}, where the model takes ${show(shape)}`);
  return dims;
}

function show(shape: readonly (number | string)[]): string {
  return `[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`;
}

function pointerToElement(index: number, dims: readonly number[]): string {
  let rest = index;
  let pointer = '';
  for (const size of dims.toReversed()) {
    pointer = `/${rest % size}${pointer}`;
    rest = Math.floor(rest / size);
  }
  return pointer;
}

function floatReader(round: (value: number) => number, expected: string, fail: Fail) {
  return (leaf: JsonValue, index: number): number =>
    typeof leaf === 'number' && Number.isFinite(round(leaf)) ? leaf : fail(index, expected);
}

function integerReader(min: number, max: number, fail: Fail) {
  return (leaf: JsonValue, index: number): number =>
    Number.isInteger(leaf) && typeof leaf === 'number' && leaf >= min && leaf <= max
      ? leaf
      : fail(index, `an integer from ${min} to ${max}`);
}

function bigintReader(min: bigint, max: bigint, fail: Fail) {
  return (leaf: JsonValue, index: number): bigint => {
    const isExact = typeof leaf === 'number' ? Number.isSafeInteger(leaf) : isDecimal(leaf);
    if (isExact && (typeof leaf === 'number' || typeof leaf === 'string')) {
      const integer = BigInt(leaf);
      if (integer >= min && integer <= max) return integer;
    }
    return fail(index, `an integer from ${min} to ${max}; beyond 2^53 a decimal string`);
  };
}

/** At most 20 digits, which 2^64 has: nothing longer is worth parsing. */
function isDecimal(value: JsonValue): boolean {
  return typeof value === 'string' && /^-?[0-9]{1,20}$/.test(value);
}

function refuse(pointer: string, message: string): never {
  throw new SkillgateError('invalid_input', `${pointer} ${message}`, {
    faults: [{ pointer, keyword: 'tensor', message }],
    mayHaveRun: false,
  });
}
