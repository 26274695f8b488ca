import { isJsonObject, type JsonObject, type JsonValue } from '../contracts/json.ts';
import { escapePointer } from '../lib/json-shape.ts';

/** A schema within a schema. */
export interface Subschema {
  readonly schema: JsonObject;
  /** JSON Pointer from the outermost schema. */
  readonly pointer: string;
}

const singleKeywords = [
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'items',
  'unevaluatedItems',
  'contains',
  'not',
  'if',
  'then',
  'else',
];
const listKeywords = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const mapKeywords = [
  'properties',
  'patternProperties',
  'dependentSchemas',
  'dependencies',
  '$defs',
  'definitions',
];

/** Whether a schema stands under this keyword. */
export const isSingleSchema = (keyword: string): boolean => singleKeywords.includes(keyword);
/** Whether a list of schemas stands under it. */
export const isSchemaList = (keyword: string): boolean => listKeywords.includes(keyword);
/** Whether schemas stand under it by name. */
export const isSchemaMap = (keyword: string): boolean => mapKeywords.includes(keyword);

/** Gives the schema itself and every schema within it, where JSON Schema 2020-12 looks for them. */
export function* walkSchema(schema: JsonValue | undefined, pointer = ''): Generator<Subschema> {
  if (!isJsonObject(schema)) return;
  yield { schema, pointer };
  for (const keyword of singleKeywords)
    yield* walkSchema(ownMember(schema, keyword), `${pointer}/${keyword}`);
  for (const keyword of listKeywords) {
    const list = ownMember(schema, keyword);
    if (!Array.isArray(list)) continue;
    for (const [index, item] of list.entries()) yield* walkSchema(item, `${pointer}/${keyword}/${index}`);
  }
  for (const keyword of mapKeywords) {
    const map = ownMember(schema, keyword);
    if (!isJsonObject(map)) continue;
    for (const [key, item] of Object.entries(map)) {
      yield* walkSchema(item, `${pointer}/${keyword}/${escapePointer(key)}`);
    }
  }
}

/** A member of an object that was read from JSON, never one of its prototype. */
export function ownMember(value: JsonValue | undefined, key: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}
