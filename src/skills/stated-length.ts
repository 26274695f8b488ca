import { isJsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';

/** A number of a model, such as -0.0123456789012345. */
const numberLength = 18;
const integerLength = 6;

/**
 * How long the JSON text of a value may be as far as its schema says, in characters. What has no limit counts with the
 * least that it must have: most texts and lists are short, whatever a schema allows.
 *
 * @param schema without references
 */
export function statedLength(schema: JsonValue | undefined): number {
  if (!isJsonObject(schema)) return 0;
  if (schema.const !== undefined) return JSON.stringify(schema.const).length;
  if (Array.isArray(schema.enum)) return longest(schema.enum.map((value) => JSON.stringify(value).length));
  const own = [schema.type].flat().map((type) => (typeof type === 'string' ? lengthOfType(type, schema) : 0));
  const either = [schema.anyOf, schema.oneOf].map((list) => longest(listOf(list).map(statedLength)));
  return longest([...own, ...either, ...listOf(schema.allOf).map(statedLength)]);
}

function lengthOfType(type: string, schema: JsonSchema): number {
  if (type === 'string') return isImage(schema) ? 0 : limit(schema, 'maxLength', 'minLength') + 2;
  if (type === 'number') return numberLength;
  if (type === 'integer') return integerLength;
  if (type === 'array') {
    const first = listOf(schema.prefixItems).map(statedLength);
    const rest = Math.max(0, limit(schema, 'maxItems', 'minItems') - first.length);
    return first.reduce((total, length) => total + length + 1, 2) + rest * (statedLength(schema.items) + 1);
  }
  if (type !== 'object' || !isJsonObject(schema.properties)) return 4;
  return Object.entries(schema.properties).reduce(
    (total, [name, member]) => total + name.length + 4 + statedLength(member),
    2,
  );
}

/** An image goes to Claude as an image, whose length does not count. */
function isImage({ contentMediaType }: JsonSchema): boolean {
  return typeof contentMediaType === 'string' && contentMediaType.startsWith('image/');
}

function limit(schema: JsonSchema, most: string, least: string): number {
  const stated = [schema[most], schema[least]].find((value) => typeof value === 'number');
  return stated ?? 0;
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}

function longest(lengths: readonly number[]): number {
  return Math.max(0, ...lengths);
}
