import { isJsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';
import { entriesOf, listAt, memberAt, textAt } from './json.ts';

/** Deeper samples help nobody; a schema that refers to itself would have no end. */
const maxDepth = 8;
const maxItems = 64;

/**
 * Makes an input that fits an imported schema, as a first one to try: what is required and nothing else, the first of
 * alternatives, as few items as there may be.
 *
 * It does not look at every keyword: whoever shows the sample has to hold it to the schema.
 *
 * @returns undefined where the schema leaves too much open, or asks for too much, to be shown
 */
export function sampleInput(schema: JsonSchema): JsonValue | undefined {
  return sample(schema, schema, 0);
}

function sample(schema: JsonValue | undefined, root: JsonSchema, depth: number): JsonValue | undefined {
  if (depth > maxDepth) return undefined;
  const reference = textAt(schema, '$ref');
  if (reference !== undefined) {
    return reference.startsWith('#/$defs/')
      ? sample(memberAt(root, '$defs', reference.slice(8)), root, depth + 1)
      : undefined;
  }
  if (!isJsonObject(schema)) return undefined;
  const [given] = [
    schema.const,
    schema.default,
    ...listAt(schema, 'examples'),
    ...listAt(schema, 'enum'),
  ].filter((value) => value !== undefined && value !== null);
  if (given !== undefined) return given;
  const [alternative] = [...listAt(schema, 'anyOf'), ...listAt(schema, 'oneOf')];
  if (alternative !== undefined && schema.type === undefined) return sample(alternative, root, depth + 1);
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (type === 'object') return sampleObject(schema, root, depth);
  if (type === 'array') return sampleArray(schema, root, depth);
  if (type === 'boolean') return true;
  if (type === 'number' || type === 'integer') return sampleNumber(schema);
  if (type !== 'string' || schema.pattern !== undefined || schema.format !== undefined) return undefined;
  const text = schema.contentEncoding === 'base64' ? 'AAAA' : 'text';
  return text.padEnd(typeof schema.minLength === 'number' ? schema.minLength : 0, 't').slice(0, 1000);
}

function sampleObject(schema: JsonSchema, root: JsonSchema, depth: number): JsonValue | undefined {
  const required = new Set(listAt(schema, 'required'));
  const members = entriesOf(schema.properties)
    .filter(([name]) => required.has(name))
    .map(([name, part]) => [name, sample(part, root, depth + 1)] as const);
  const complete = members.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]));
  const isEnough = typeof schema.minProperties !== 'number' || schema.minProperties <= complete.length;
  return complete.length === required.size && isEnough ? Object.fromEntries(complete) : undefined;
}

function sampleArray(schema: JsonSchema, root: JsonSchema, depth: number): JsonValue | undefined {
  const count = typeof schema.minItems === 'number' ? schema.minItems : 1;
  if (count > maxItems) return undefined;
  const item = sample(schema.items, root, depth + 1);
  return item === undefined ? undefined : Array.from({ length: count }, () => item);
}

function sampleNumber({ minimum, exclusiveMinimum }: JsonSchema): number {
  if (typeof exclusiveMinimum === 'number' && exclusiveMinimum >= 0) return Math.floor(exclusiveMinimum) + 1;
  return typeof minimum === 'number' && minimum > 0 ? Math.ceil(minimum) : 0;
}
