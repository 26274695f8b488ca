import type { JsonSchema, JsonValue } from '../../contracts/json.ts';

/** What llama.cpp makes a grammar of; it answers 500 to any other format. */
const knownFormats: ReadonlySet<JsonValue> = new Set(['date', 'time', 'date-time', 'uuid']);

/** Keywords whose value is a map of schemas by name. */
const mapsOfSchemas: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
]);
/** Keywords whose value is data. */
const data: ReadonlySet<string> = new Set(['const', 'enum', 'default', 'examples', 'required']);

/**
 * Makes the schema that a server is told: less the formats at which llama.cpp fails. The gateway checks the answer by
 * the whole schema anyway.
 */
export function toServerSchema(schema: JsonSchema): JsonSchema {
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([keyword, value]) => keyword !== 'format' || knownFormats.has(value))
      .map(([keyword, value]) => [keyword, convert(keyword, value)]),
  );
}

function convert(keyword: string, value: JsonValue): JsonValue {
  if (data.has(keyword) || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => convert('', item));
  if (!mapsOfSchemas.has(keyword)) return toServerSchema(value);
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, convert('', schema)]));
}
