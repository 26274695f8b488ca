import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';
import { memberAt } from './json.ts';

/** How the schemas of a document are read. */
export interface SchemaReading {
  /** The OpenAPI document. */
  readonly document: JsonValue;
  /** The formats that a definition may name; others are left out. */
  readonly knownFormats: ReadonlySet<string>;
}

/** A schema of the document cannot be taken over; the message is the rest of a sentence. */
export class SchemaError extends Error {
  override readonly name = 'SchemaError';
}

/** Where there are schemas in a schema: alone, in a list, or by name. */
const single = [
  'items',
  'additionalProperties',
  'not',
  'contains',
  'propertyNames',
  'if',
  'then',
  'else',
  'unevaluatedProperties',
  'unevaluatedItems',
];
const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const maps = ['properties', 'patternProperties', '$defs', 'dependentSchemas'];
/** What OpenAPI adds to schemas and JSON Schema does not know, and what would give a part a base of its own. */
const foreign = new Set([
  'discriminator',
  'xml',
  'externalDocs',
  'example',
  'nullable',
  '$id',
  '$schema',
  '$anchor',
  '$dynamicAnchor',
]);

/**
 * Makes a schema of an OpenAPI document stand alone (JSON Schema 2020-12): local references are resolved into `$defs`,
 * and what OpenAPI 3.0 writes otherwise is rewritten: `nullable`, boolean `exclusiveMinimum`.
 *
 * @throws SchemaError for a reference that leads out of the document or to nothing
 */
export function standaloneSchema(schema: JsonValue, reading: SchemaReading): JsonSchema {
  const defs = new Map<string, { name: string; schema: JsonValue }>();

  function refer(reference: string): string {
    const known = defs.get(reference);
    if (known) return `#/$defs/${known.name}`;
    const entry = { name: defName(reference), schema: null as JsonValue };
    defs.set(reference, entry);
    entry.schema = convert(resolve(reference, reading.document));
    return `#/$defs/${entry.name}`;
  }

  function defName(reference: string): string {
    // Runs of underscores become one as well, for __proto__ is no name in a definition.
    const base =
      reference
        .split('/')
        .at(-1)
        ?.replaceAll(/[^A-Za-z0-9.-]+/g, '_') || 'schema';
    const taken = new Set([...defs.values()].map(({ name }) => name));
    let name = base;
    for (let count = 2; taken.has(name); count += 1) name = `${base}_${count}`;
    return name;
  }

  function convert(part: JsonValue): JsonValue {
    if (!isJsonObject(part)) return part;
    const converted: JsonObject = {};
    for (const [key, value] of Object.entries(part)) {
      if (foreign.has(key)) continue;
      if (key === '$ref' && typeof value === 'string') converted.$ref = refer(value);
      else if (key === 'format' && typeof value === 'string' && !reading.knownFormats.has(value)) continue;
      else if (key === 'pattern' && typeof value === 'string' && !isPattern(value)) continue;
      else if (single.includes(key)) converted[key] = convert(value);
      else if (lists.includes(key) && Array.isArray(value)) converted[key] = value.map(convert);
      else if (maps.includes(key) && isJsonObject(value)) {
        const entries = Object.entries(value).map(([name, item]) => [name, convert(item)] as const);
        converted[key] = Object.fromEntries(entries);
      } else converted[key] = value;
    }
    return fromOpenapi30(converted, part);
  }

  const root = convert(inlineRoot(schema, reading.document));
  if (!isJsonObject(root)) return {};
  if (defs.size === 0) return root;
  const own = isJsonObject(root.$defs) ? root.$defs : {};
  const found = [...defs.values()].map(({ name, schema: def }) => [name, def] as const);
  return { ...root, $defs: { ...own, ...Object.fromEntries(found) } };
}

/** Follows a reference at the root, for Claude's tools need to see that the input is an object. */
function inlineRoot(schema: JsonValue, document: JsonValue): JsonValue {
  const seen = new Set<string>();
  let root = schema;
  for (
    let reference = memberAt(root, '$ref');
    typeof reference === 'string';
    reference = memberAt(root, '$ref')
  ) {
    if (seen.has(reference)) throw new SchemaError(`has a schema ${reference} that is only itself`);
    seen.add(reference);
    const target = resolve(reference, document);
    const { $ref: _, ...beside } = isJsonObject(root) ? root : {};
    root = isJsonObject(target) ? { ...target, ...beside } : target;
  }
  return root;
}

/** Follows a JSON Pointer in URI fragment form (RFC 6901, section 6). */
function resolve(reference: string, document: JsonValue): JsonValue {
  if (!reference.startsWith('#/')) {
    throw new SchemaError(`refers to ${reference}, which is outside of the document`);
  }
  let place: JsonValue | undefined = document;
  for (const token of reference.slice(2).split('/')) {
    const key = decode(token).replaceAll('~1', '/').replaceAll('~0', '~');
    place = Array.isArray(place) ? place[Number(key)] : memberAt(place, key);
  }
  if (place === undefined) throw new SchemaError(`refers to ${reference}, which is not in the document`);
  return place;
}

function decode(token: string): string {
  try {
    return decodeURIComponent(token);
  } catch (error) {
    if (error instanceof URIError) return token;
    throw error;
  }
}

function isPattern(pattern: string): boolean {
  try {
    new RegExp(pattern, 'u');
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

function fromOpenapi30(converted: JsonObject, original: JsonObject): JsonObject {
  const schema = { ...converted };
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof schema[exclusive] !== 'boolean') continue;
    const { [exclusive]: isExclusive, [bound]: limit } = schema;
    delete schema[exclusive];
    if (!isExclusive || limit === undefined) continue;
    delete schema[bound];
    schema[exclusive] = limit;
  }
  if (original.nullable !== true) return schema;
  if (typeof schema.type === 'string') schema.type = [schema.type, 'null'];
  if (Array.isArray(schema.enum) && !schema.enum.includes(null)) schema.enum = [...schema.enum, null];
  return typeof original.$ref === 'string' ? { anyOf: [schema, { type: 'null' }] } : schema;
}
