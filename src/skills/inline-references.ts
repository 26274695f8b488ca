import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';
import { createReferenceResolver, type Place, type ResolveReference } from './resolve-reference.ts';
import { isSchemaList, isSchemaMap, isSingleSchema } from './schema-walk.ts';

/** More than this many references followed in one schema would make a tool that no client takes. */
const maxExpansions = 500;

/**
 * What only serves references, or names a document; and `x-mcp-header`, by which a schema would oblige MCP clients to
 * repeat a value in a header for proxies that route by it.
 */
const omittedKeywords = new Set([
  '$ref',
  '$dynamicRef',
  '$defs',
  'definitions',
  '$id',
  '$anchor',
  '$dynamicAnchor',
  'x-mcp-header',
]);

/** Keywords that say nothing about whether a value fits. */
const annotations = new Set([
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  'readOnly',
  'writeOnly',
  '$comment',
  '$schema',
]);

/** Keywords that mean the same whichever keywords stand beside them. */
const independent = new Set([
  'type',
  'enum',
  'const',
  'required',
  'pattern',
  'format',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
]);

interface Inlined {
  readonly schema: JsonValue;
  /** Whether the new schema takes values that the old one does not. */
  readonly isLoose: boolean;
}

/**
 * Writes a schema without references, since several of Claude's surfaces refuse `$ref`. Where a schema refers to itself
 * the repetition is written as "any value of that type": the new schema takes everything that the old one takes, and
 * more only there. Whoever checks by it refuses nothing good; the old one still decides.
 *
 * @param schema JSON Schema 2020-12 whose references lead to places within it
 */
export function inlineReferences(schema: JsonSchema): JsonSchema {
  const inlined = inlineAt(
    { schema, document: schema },
    { resolve: createReferenceResolver(schema), open: new Set([schema]), budget: { left: maxExpansions } },
  );
  return isJsonObject(inlined.schema) ? inlined.schema : {};
}

interface Surroundings {
  readonly resolve: ResolveReference;
  /** The schemas within which this one stands, through references: another to one of them would never end. */
  readonly open: ReadonlySet<JsonValue>;
  readonly budget: { left: number };
}

function inlineAt({ schema, document }: Place, around: Surroundings): Inlined {
  if (!isJsonObject(schema)) return { schema, isLoose: false };
  const own: JsonObject = {};
  const loose = new Set<string>();
  const inlineChild = (keyword: string, child: JsonValue): JsonValue => {
    const childDocument = isJsonObject(child) && typeof child.$id === 'string' ? child : document;
    const inlined = inlineAt({ schema: child, document: childDocument }, around);
    if (inlined.isLoose) loose.add(keyword);
    return inlined.schema;
  };
  for (const [keyword, value] of Object.entries(schema)) {
    if (omittedKeywords.has(keyword)) continue;
    if (isSingleSchema(keyword)) own[keyword] = inlineChild(keyword, value);
    else if (isSchemaList(keyword) && Array.isArray(value)) {
      own[keyword] = value.map((child) => inlineChild(keyword, child));
    } else if (isSchemaMap(keyword) && isJsonObject(value)) {
      own[keyword] = Object.fromEntries(
        Object.entries(value).map(([key, child]) => [key, inlineChild(keyword, child)]),
      );
    } else own[keyword] = value;
  }
  let inlined: Inlined = { schema: own, isLoose: false };
  for (const keyword of ['$ref', '$dynamicRef']) {
    const reference = schema[keyword];
    if (typeof reference !== 'string') continue;
    const target = followReference(reference, document, around);
    if (target.isLoose) loose.add(keyword);
    inlined = { schema: both(target.schema, inlined.schema), isLoose: false };
  }
  if (loose.size === 0 || !isJsonObject(inlined.schema)) return inlined;
  return { schema: withoutTurnedRules(inlined.schema, loose), isLoose: true };
}

function followReference(
  reference: string,
  document: JsonObject,
  { resolve, open, budget }: Surroundings,
): Inlined {
  const target = resolve(reference, document);
  if (target === undefined || open.has(target.schema) || budget.left === 0) {
    return { schema: outlineOf(target?.schema), isLoose: true };
  }
  budget.left -= 1;
  return inlineAt(target, { resolve, open: new Set([...open, target.schema]), budget });
}

/** What can be said of a schema without its references. */
function outlineOf(schema: JsonValue | undefined): JsonObject {
  if (!isJsonObject(schema)) return {};
  const { type, title, description } = schema;
  return {
    ...(type !== undefined && { type }),
    ...(title !== undefined && { title }),
    ...(description !== undefined && { description }),
  };
}

/** A schema that asks for what both ask for: one object where the keywords of the two do not touch each other. */
function both(target: JsonValue, own: JsonValue): JsonValue {
  if (!isJsonObject(own) || Object.keys(own).length === 0) return target;
  if (
    isJsonObject(target) &&
    Object.entries(own).every(([keyword, value]) => mayJoin(target, keyword, value))
  ) {
    return { ...target, ...own };
  }
  return { ...own, allOf: [...(Array.isArray(own.allOf) ? own.allOf : []), target] };
}

function mayJoin(target: JsonObject, keyword: string, value: JsonValue): boolean {
  if (annotations.has(keyword)) return true;
  if (!independent.has(keyword)) return false;
  const there = target[keyword];
  return there === undefined || JSON.stringify(there) === JSON.stringify(value);
}

/**
 * Leaves out, or weakens, the rules that refuse more when a schema within them takes more.
 *
 * @param loose the keywords within which a schema became loose
 */
function withoutTurnedRules(schema: JsonObject, loose: ReadonlySet<string>): JsonObject {
  const { unevaluatedProperties: _, unevaluatedItems: __, ...kept } = schema;
  if (loose.has('not')) delete kept.not;
  if (loose.has('contains')) delete kept.maxContains;
  if (loose.has('if')) {
    delete kept.if;
    delete kept.then;
    delete kept.else;
  }
  if (loose.has('oneOf') && Array.isArray(kept.oneOf)) {
    const atLeastOne = { anyOf: kept.oneOf };
    delete kept.oneOf;
    if (kept.anyOf === undefined) return { ...kept, ...atLeastOne };
    return { ...kept, allOf: [...(Array.isArray(kept.allOf) ? kept.allOf : []), atLeastOne] };
  }
  return kept;
}
