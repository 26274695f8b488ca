import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';

/** A schema without `anyOf`, `oneOf` or `allOf` at its root, and what was said there. */
export interface FlatRoot {
  readonly schema: JsonSchema;
  /** The keywords that were taken away; undefined where there were none. */
  readonly rule: JsonObject | undefined;
}

/**
 * Brings the properties of a root `allOf`, `anyOf` and `oneOf` into one object, since the Messages API refuses these
 * keywords there. The result tells what to send; what is taken, the schema still decides.
 *
 * @param schema without references
 */
export function flattenRoot(schema: JsonSchema): FlatRoot {
  const { allOf, anyOf, oneOf, ...own } = schema;
  const unions = [branchesOf(anyOf), branchesOf(oneOf)].filter((branches) => branches.length > 0);
  const parts = [...branchesOf(allOf), ...unions.map(eitherOf)];
  const rule = Object.fromEntries(
    Object.entries({ allOf, anyOf, oneOf }).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    ),
  );
  if (Object.keys(rule).length === 0) return { schema, rule: undefined };
  return { schema: { ...parts.reduce(bothOf, own), type: 'object' }, rule };
}

/** The branches, each without unions at its own root. */
function branchesOf(list: JsonValue | undefined): JsonObject[] {
  return Array.isArray(list) ? list.filter(isJsonObject).map((branch) => flattenRoot(branch).schema) : [];
}

/** What fits both: the properties of both, and what either asks for. */
function bothOf(left: JsonObject, right: JsonObject): JsonObject {
  return withObjectKeywords(
    { ...right, ...left },
    mergeProperties(left, right, 'allOf'),
    new Set([...requiredOf(left), ...requiredOf(right)]),
  );
}

/** What fits one of several: the properties of all, and what all ask for. */
function eitherOf(branches: readonly JsonObject[]): JsonObject {
  return branches.reduce((left, right) => {
    const isClosed = left.additionalProperties === false && right.additionalProperties === false;
    return withObjectKeywords(
      isClosed ? { additionalProperties: false } : {},
      mergeProperties(left, right, 'anyOf'),
      new Set(requiredOf(left).filter((name) => requiredOf(right).includes(name))),
    );
  });
}

function withObjectKeywords(
  { properties: _, required: __, ...rest }: JsonObject,
  properties: JsonObject,
  required: ReadonlySet<string>,
): JsonObject {
  return {
    ...rest,
    ...(Object.keys(properties).length > 0 && { properties }),
    ...(required.size > 0 && { required: [...required] }),
  };
}

function mergeProperties(left: JsonObject, right: JsonObject, keyword: 'allOf' | 'anyOf'): JsonObject {
  const merged = new Map(Object.entries(isJsonObject(left.properties) ? left.properties : {}));
  for (const [name, schema] of Object.entries(isJsonObject(right.properties) ? right.properties : {})) {
    const other = merged.get(name);
    const isSame = other === undefined || JSON.stringify(other) === JSON.stringify(schema);
    merged.set(name, isSame ? schema : { [keyword]: [other, schema] });
  }
  return Object.fromEntries(merged);
}

function requiredOf({ required }: JsonObject): string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : [];
}
