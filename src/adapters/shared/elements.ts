import type { JsonValue } from '../../contracts/json.ts';
import { fromBase64 } from '../../lib/base64.ts';
import { roundToBfloat16 } from '../../lib/bfloat16.ts';
import { membersOf } from './json-object.ts';

/** The values of a tensor, row-major. A bool is a byte of 0 or 1; bfloat16 is kept as float32. */
export type TensorValues =
  | string[]
  | (string | Uint8Array)[]
  | Float16Array
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

/** Refuses the element at an index of the whole tensor, and says what it should be. */
export type RefuseElement = (index: number, expected: string) => never;

/** The values of a tensor while they are made from JSON. */
export interface Elements {
  readonly data: TensorValues;
  /** Takes the elements of one row, which stand from `at` on in the whole tensor. */
  write(row: readonly JsonValue[], at: number, refuse: RefuseElement): void;
}

type CreateElements = (length: number) => Elements;

/** The element types that a tensor can have here, each with how its elements are made from JSON. */
const elementTypes = {
  // The ONNX runtime's binding cuts a text at a zero character without a word.
  string: texts('a string without U+0000', (leaf) =>
    typeof leaf === 'string' && !leaf.includes('\0') ? leaf : undefined,
  ),
  text: texts('a string', (leaf) => (typeof leaf === 'string' ? leaf : undefined)),
  bytes: texts('a string, or {"b64": …} with base64', bytesOrText),
  base64: texts('base64', (leaf) => (typeof leaf === 'string' ? fromBase64(leaf) : undefined)),
  bool: booleans,
  float16: numbers((length) => new Float16Array(length), Number.isFinite, 'a float16 number'),
  bfloat16: numbers(
    (length) => new Float32Array(length),
    Number.isFinite,
    'a bfloat16 number',
    roundToBfloat16,
  ),
  float32: numbers((length) => new Float32Array(length), Number.isFinite, 'a float32 number'),
  float64: numbers((length) => new Float64Array(length), Number.isFinite, 'a number'),
  int8: integers((length) => new Int8Array(length), -(2 ** 7), 2 ** 7 - 1),
  int16: integers((length) => new Int16Array(length), -(2 ** 15), 2 ** 15 - 1),
  int32: integers((length) => new Int32Array(length), -(2 ** 31), 2 ** 31 - 1),
  int64: bigIntegers((length) => new BigInt64Array(length), -(2n ** 63n), 2n ** 63n - 1n),
  uint8: integers((length) => new Uint8Array(length), 0, 2 ** 8 - 1),
  uint16: integers((length) => new Uint16Array(length), 0, 2 ** 16 - 1),
  uint32: integers((length) => new Uint32Array(length), 0, 2 ** 32 - 1),
  uint64: bigIntegers((length) => new BigUint64Array(length), 0n, 2n ** 64n - 1n),
} satisfies Record<string, CreateElements>;

export type TensorType = keyof typeof elementTypes;

/** Whether elements of this type are known here. */
export function isTensorType(type: string): type is TensorType {
  return Object.hasOwn(elementTypes, type);
}

/** Makes room for so many elements. */
export function createElements(type: TensorType, length: number): Elements {
  return elementTypes[type](length);
}

type NumberArray =
  | Float16Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array;

/** The check is of what was stored: a number that the type cannot hold becomes infinite, or another integer. */
function numbers(
  create: (length: number) => NumberArray,
  holds: (stored: number, given: number) => boolean,
  expected: string,
  round?: (given: number) => number,
): CreateElements {
  return (length) => {
    const data = create(length);
    return {
      data,
      write(row, at, refuse) {
        for (let index = 0; index < row.length; index += 1) {
          const leaf = row[index];
          if (typeof leaf !== 'number') return refuse(at + index, expected);
          data[at + index] = round === undefined ? leaf : round(leaf);
          if (!holds(data[at + index] ?? Number.NaN, leaf)) refuse(at + index, expected);
        }
      },
    };
  };
}

function integers(create: (length: number) => NumberArray, min: number, max: number): CreateElements {
  return numbers(create, (stored, given) => stored === given, `an integer from ${min} to ${max}`);
}

function bigIntegers(
  create: (length: number) => BigInt64Array | BigUint64Array,
  min: bigint,
  max: bigint,
): CreateElements {
  const expected = `an integer from ${min} to ${max}; beyond 2^53 a decimal string`;
  return (length) => {
    const data = create(length);
    return {
      data,
      write(row, at, refuse) {
        for (const [index, leaf] of row.entries()) {
          const isExact = typeof leaf === 'number' ? Number.isSafeInteger(leaf) : isDecimal(leaf);
          if (!isExact || (typeof leaf !== 'number' && typeof leaf !== 'string'))
            return refuse(at + index, expected);
          const integer = BigInt(leaf);
          if (integer < min || integer > max) refuse(at + index, expected);
          data[at + index] = integer;
        }
      },
    };
  };
}

/** At most 20 digits, which 2^64 has: nothing longer is worth parsing. */
function isDecimal(value: JsonValue): boolean {
  return typeof value === 'string' && /^-?[0-9]{1,20}$/.test(value);
}

function booleans(length: number): Elements {
  const data = new Uint8Array(length);
  return {
    data,
    write(row, at, refuse) {
      for (const [index, leaf] of row.entries()) {
        if (typeof leaf !== 'boolean') refuse(at + index, 'a boolean');
        data[at + index] = Number(leaf);
      }
    },
  };
}

function texts<Element extends string | Uint8Array>(
  expected: string,
  read: (leaf: JsonValue) => Element | undefined,
): CreateElements {
  return (length) => {
    const data = new Array<Element>(length);
    return {
      data,
      write(row, at, refuse) {
        for (const [index, leaf] of row.entries())
          data[at + index] = read(leaf) ?? refuse(at + index, expected);
      },
    };
  };
}

/** TensorFlow Serving marks bytes so (RESTful API, encoding binary values). */
function bytesOrText(leaf: JsonValue): string | Uint8Array | undefined {
  if (typeof leaf === 'string') return leaf;
  const { b64, ...others } = membersOf(leaf);
  return typeof b64 === 'string' && Object.keys(others).length === 0 ? fromBase64(b64) : undefined;
}
