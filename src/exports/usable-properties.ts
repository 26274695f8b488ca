import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';

/** The names of properties that Claude's tools take. */
const usableName = /^[a-zA-Z0-9_.-]{1,64}$/;

/** Keywords whose values are data, and hold no schemas. */
const dataKeywords = new Set(['enum', 'const', 'default', 'examples', 'required']);
/** Keywords under which schemas stand by name. */
const schemaMaps = new Set(['patternProperties', 'dependentSchemas']);

/**
 * Leaves out the properties whose names the Messages API refuses, at any depth.
 *
 * @returns undefined where such a property is required: without it no input would be taken
 */
export function withUsableProperties(schema: JsonSchema): JsonSchema | undefined {
  let isUsable = true;

  const visitMap = (map: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(map).map(([name, member]) => [name, visit(member)]));

  const visitProperties = (properties: JsonObject, required: JsonValue | undefined): JsonObject => {
    const names = Object.keys(properties).filter((name) => !usableName.test(name));
    if (Array.isArray(required) && names.some((name) => required.includes(name))) isUsable = false;
    return visitMap(Object.fromEntries(Object.entries(properties).filter(([name]) => usableName.test(name))));
  };

  const visit = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return value.map(visit);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([keyword, member]) => {
        if (dataKeywords.has(keyword)) return [keyword, member];
        const isMap = isJsonObject(member);
        if (keyword === 'properties' && isMap) return [keyword, visitProperties(member, value.required)];
        return [keyword, isMap && schemaMaps.has(keyword) ? visitMap(member) : visit(member)];
      }),
    );
  };

  const usable = visit(schema);
  return isUsable && isJsonObject(usable) ? usable : undefined;
}
