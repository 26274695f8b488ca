import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import { createElements, type TensorType, type TensorValues } from './elements.ts';

/** A tensor: what it holds, and how that is nested. */
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

export interface EncodedTensor {
  readonly tensor: TensorData;
  readonly addedDims: number;
}

/** How many elements a tensor of these dimensions has. */
export function sizeOf(dims: readonly number[]): number {
  return dims.reduce((product, size) => product * size, 1);
}

/**
 * Makes a tensor out of a JSON value: a scalar, or arrays nested to the tensor's rank. A value with fewer dimensions
 * than the input is preceded by dimensions of one, where the model leaves those open: that is how one example becomes
 * a batch of one. A flat list that has as many elements as the dimensions ask for is taken as row-major.
 *
 * @param pointer JSON Pointer to the value, for faults
 * @returns the tensor, and how many dimensions were added in front
 * @throws SkillgateError `invalid_input` where an array is ragged, a dimension or an element does not fit
 */
export function encodeTensor(spec: TensorSpec, value: JsonValue, pointer: string): EncodedTensor {
  const ownDims = dimsOf(value);
  checkNesting(value, ownDims, pointer);
  const { dims, addedDims } = fitDims(ownDims, spec, pointer);
  const elements = createElements(spec.type, sizeOf(ownDims));
  const refuseElement = (index: number, expected: string): never => {
    const path = pathTo(index, ownDims);
    const found = path.reduce<JsonValue>(
      (inner, at) => (Array.isArray(inner) ? (inner[at] ?? null) : inner),
      value,
    );
    const should = Array.isArray(found) ? 'no array, as its first neighbour is' : expected;
    refuse([pointer, ...path].join('/'), `must be ${should}`);
  };
  let at = 0;
  forEachRow(value, ownDims.length, (row) => {
    elements.write(row, at, refuseElement);
    at += row.length;
  });
  return { tensor: { type: spec.type, dims, data: elements.data }, addedDims };
}

/**
 * Makes JSON out of a tensor: a scalar, or arrays nested to its rank. 64-bit integers beyond 2^53 become decimal
 * strings, since a JavaScript number would lose digits. NaN and the infinities stay as they are, and fail the
 * validation of the output.
 *
 * @throws SkillgateError `invalid_output` for bytes that are no text where text is due
 */
export function decodeTensor({ type, dims, data }: TensorData): JsonValue {
  if (data.length !== sizeOf(dims)) {
    throw new SkillgateError('upstream_error', 'The model gave less than its output holds, or more.');
  }
  const width = dims.at(-1);
  if (width === undefined) return rowToJson(type, data, 0, 1)[0] ?? null;
  let next = 0;
  const nest = (depth: number): JsonValue => {
    if (depth === dims.length - 1) {
      next += width;
      return rowToJson(type, data, next - width, next);
    }
    return Array.from({ length: dims[depth] ?? 0 }, () => nest(depth + 1));
  };
  return nest(0);
}

function rowToJson(type: TensorType, data: TensorValues, start: number, end: number): JsonValue[] {
  // A loop, since Array.from goes through an iterator: ten times the time.
  const row = new Array<JsonValue>(end - start);
  for (let index = start; index < end; index += 1) row[index - start] = toJson(type, data[index]);
  return row;
}

function toJson(type: TensorType, element: TensorValues[number] | undefined): JsonValue {
  if (typeof element === 'number') return type === 'bool' ? element !== 0 : element;
  if (typeof element === 'bigint') return integerToJson(element);
  return element === undefined || typeof element === 'string'
    ? (element ?? null)
    : bytesToJson(type, element);
}

function integerToJson(integer: bigint): JsonValue {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : String(integer);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function bytesToJson(type: TensorType, bytes: Uint8Array): string {
  if (type === 'base64')
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new SkillgateError(
      'invalid_output',
      'The model gave bytes that are no text; the definition can ask for them in base64.',
      { cause },
    );
  }
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

/** Checks that every array has the length of its first neighbour, before anything of the product's size is made. */
function checkNesting(
  value: JsonValue,
  dims: readonly number[],
  pointer: string,
  path: readonly number[] = [],
): void {
  const size = dims[path.length];
  if (size === undefined) return;
  if (!Array.isArray(value) || value.length !== size) {
    refuse([pointer, ...path].join('/'), `must be an array of ${size}, as its first neighbour is`);
  }
  // What is in the last arrays is looked at when it is stored.
  if (path.length === dims.length - 1) return;
  const inner = [...path, 0];
  for (let index = 0; index < size; index += 1) {
    inner[path.length] = index;
    checkNesting(value[index] ?? null, dims, pointer, inner);
  }
}

/** Visits the innermost arrays in their order; a scalar counts as a row of one. */
function forEachRow(value: JsonValue, depth: number, visit: (row: readonly JsonValue[]) => void): void {
  if (!Array.isArray(value)) visit([value]);
  else if (depth <= 1) visit(value);
  else for (const inner of value) forEachRow(inner, depth - 1, visit);
}

interface Fit {
  readonly dims: readonly number[];
  readonly addedDims: number;
}

function fitDims(ownDims: readonly number[], { shape }: TensorSpec, pointer: string): Fit {
  if (shape.length === 0) return { dims: ownDims, addedDims: 0 };
  const addedDims = shape.length - ownDims.length;
  const dims = addedDims > 0 ? [...new Array<number>(addedDims).fill(1), ...ownDims] : ownDims;
  const fits = addedDims >= 0 && shape.every((size, axis) => typeof size === 'string' || size === dims[axis]);
  if (fits) return { dims, addedDims };
  return (
    unflatten(ownDims, shape) ??
    refuse(pointer, `has the shape ${show(ownDims)}, where the model takes ${show(shape)}`)
  );
}

/** Reads a flat list as a tensor of fixed dimensions, of which the first may be an open one: then as one example. */
function unflatten(ownDims: readonly number[], shape: TensorSpec['shape']): Fit | undefined {
  const [first, ...inner] = shape;
  const sizes = [typeof first === 'number' ? first : 1, ...inner].filter((size) => typeof size === 'number');
  if (ownDims.length !== 1 || sizes.length < shape.length || ownDims[0] !== sizeOf(sizes)) return undefined;
  return { dims: sizes, addedDims: sizes[0] === 1 ? 1 : 0 };
}

function show(shape: readonly (number | string)[]): string {
  return `[${shape.map((size) => (size === '' ? '?' : size)).join(', ')}]`;
}

function pathTo(index: number, dims: readonly number[]): number[] {
  let rest = index;
  const path: number[] = [];
  for (const size of dims.toReversed()) {
    path.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return path;
}

function refuse(pointer: string, message: string): never {
  throw new SkillgateError('invalid_input', `${pointer} ${message}`, {
    faults: [{ pointer, keyword: 'tensor', message }],
    mayHaveRun: false,
  });
}
