import type { JsonSchema } from '../contracts/json.ts';

/** The kinds of elements for which there is a schema. */
export type ElementType = keyof typeof elements;

/** A tensor as a model's metadata has it. */
export interface Tensor {
  readonly name: string;
  readonly type: ElementType;
  /** A number for a fixed dimension, undefined for an open one; undefined as a whole where the rank is open. */
  readonly shape: readonly (number | undefined)[] | undefined;
}

/** Deeper than any model needs; a definition may not be nested without end. */
const maxRank = 16;
const float16Max = 65_504;

const integer = (minimum: number, maximum: number): JsonSchema => ({ type: 'integer', minimum, maximum });
/** Integers beyond 2^53 go as decimal strings, both ways. */
const wide = (pattern: string): JsonSchema => ({ type: ['integer', 'string'], pattern });

const elements = {
  bool: { type: 'boolean' },
  int8: integer(-(2 ** 7), 2 ** 7 - 1),
  int16: integer(-(2 ** 15), 2 ** 15 - 1),
  int32: integer(-(2 ** 31), 2 ** 31 - 1),
  int64: wide('^-?[0-9]{1,19}$'),
  uint8: integer(0, 2 ** 8 - 1),
  uint16: integer(0, 2 ** 16 - 1),
  uint32: integer(0, 2 ** 32 - 1),
  uint64: { ...wide('^[0-9]{1,20}$'), minimum: 0 },
  float16: { type: 'number', minimum: -float16Max, maximum: float16Max },
  bfloat16: { type: 'number' },
  float32: { type: 'number' },
  float64: { type: 'number' },
  string: { type: 'string' },
  base64: { type: 'string', contentEncoding: 'base64' },
} as const satisfies Record<string, JsonSchema>;

export function isElementType(type: string): type is ElementType {
  return Object.hasOwn(elements, type);
}

/** The schema of one element. */
export function elementSchema(type: ElementType): JsonSchema {
  return structuredClone<JsonSchema>(elements[type]);
}

/**
 * The schema of a tensor's values as nested lists: a fixed dimension is a list of just so many. What has no known rank
 * is described and not restricted.
 */
export function tensorSchema(tensor: Tensor, element = elementSchema(tensor.type)): JsonSchema {
  const { shape } = tensor;
  const description = `${describeTensor(tensor)}.`;
  if (shape === undefined) return { description };
  if (shape.length > maxRank) return { type: 'array', description };
  const schema = shape.reduceRight<JsonSchema>(
    (items, size) => ({
      type: 'array',
      items,
      ...(size !== undefined && { minItems: size, maxItems: size }),
    }),
    element,
  );
  return { ...schema, description };
}

/** What a tensor holds, in a few words: `4 × float32`, `3 × ? × int64`. */
function describeTensor({ type, shape }: Tensor): string {
  if (shape === undefined) return `${type}: one, or lists of them`;
  if (shape.length === 0) return `One ${type}`;
  return `${shape.map((size) => size ?? '?').join(' × ')} × ${type}`;
}

/** Lists the properties of a skill and what they hold, for a description. */
export function listTensors(properties: readonly string[], tensors: readonly Tensor[]): string {
  if (tensors.length === 0) return 'not described by the server';
  return tensors
    .map((tensor, index) => {
      const what = describeTensor(tensor);
      return `${properties[index] ?? tensor.name} (${what.charAt(0).toLowerCase()}${what.slice(1)})`;
    })
    .join(', ');
}

/** An object with just these properties. */
export function objectSchema(properties: Readonly<Record<string, JsonSchema>>): JsonSchema {
  return {
    type: 'object',
    properties,
    required: Object.keys(properties),
    additionalProperties: false,
  };
}

/** Whether a tensor may hold the scores of classes: numbers with a fixed, small count at the end. */
export function looksLikeScores({ type, shape }: Tensor): boolean {
  const last = shape?.at(-1);
  return /^b?float/.test(type) && last !== undefined && last >= 2 && last <= 10_000;
}

/** Whether a tensor's name says that it holds bytes, as TensorFlow Serving has it. */
export function namesBytes(name: string): boolean {
  return /_(?:bytes|b64)$/i.test(name);
}
