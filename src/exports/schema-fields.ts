import { isJsonObject, type JsonSchema, type JsonValue } from '../contracts/json.ts';

/** A place in a value, as a person is told of it. */
export interface Field {
  /** Such as `address.street` and `items[].id`; empty for the whole value. */
  readonly path: string;
  /** Its type and limits, in words. */
  readonly type: string;
  readonly isRequired: boolean;
  /** What its schema says of it; empty where it says nothing. */
  readonly description: string;
}

/** Deeper down a table says less than the schema. */
const maxDepth = 4;

/** Limits that are told, and how; a hyphen stands for the number. */
const limits: readonly (readonly [keyword: string, words: string])[] = [
  ['minimum', 'at least -'],
  ['exclusiveMinimum', 'more than -'],
  ['maximum', 'at most -'],
  ['exclusiveMaximum', 'less than -'],
  ['multipleOf', 'a multiple of -'],
  ['minLength', 'length at least -'],
  ['maxLength', 'length at most -'],
  ['minItems', 'number of items at least -'],
  ['maxItems', 'number of items at most -'],
];

/**
 * The fields of a value, outermost first, each object before its members.
 *
 * @param schema without references
 */
export function fieldsOf(schema: JsonSchema): readonly Field[] {
  const members = membersOf(schema, '', 0);
  return members.length > 0 ? members : [fieldOf(schema, '', true)];
}

function membersOf(schema: JsonValue | undefined, path: string, depth: number): readonly Field[] {
  if (!isJsonObject(schema) || depth >= maxDepth) return [];
  if (isJsonObject(schema.items)) {
    return membersOf(schema.items, `${path}[]`, depth + 1);
  }
  if (!isJsonObject(schema.properties)) return [];
  const required: readonly JsonValue[] = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(schema.properties).flatMap(([name, member]) => {
    const memberPath = path === '' ? name : `${path}.${name}`;
    return [
      fieldOf(member, memberPath, required.includes(name)),
      ...membersOf(member, memberPath, depth + 1),
    ];
  });
}

function fieldOf(schema: JsonValue, path: string, isRequired: boolean): Field {
  const description =
    isJsonObject(schema) && typeof schema.description === 'string' ? schema.description : '';
  return { path, type: typeInWords(schema), isRequired, description };
}

/** A schema's type and limits, in words. */
function typeInWords(schema: JsonValue | undefined): string {
  if (!isJsonObject(schema)) return schema === false ? 'nothing' : 'any JSON';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) {
    return `one of ${schema.enum.map((value) => JSON.stringify(value)).join(', ')}`;
  }
  const choices = [schema.anyOf, schema.oneOf].find(Array.isArray);
  if (schema.type === undefined && choices !== undefined) {
    return [...new Set(choices.map(typeInWords))].join(' or ');
  }
  const type = [schema.type].flat().filter((name) => typeof name === 'string');
  const name = type.length === 0 ? 'any JSON' : type.join(' or ');
  const base =
    type.includes('array') && schema.items !== undefined ? `${name} of ${typeInWords(schema.items)}` : name;
  return [base, ...limitsInWords(schema)].join(', ');
}

function limitsInWords(schema: JsonSchema): string[] {
  const words = limits.flatMap(([keyword, text]) => {
    const limit = schema[keyword];
    return typeof limit === 'number' ? [text.replace('-', String(limit))] : [];
  });
  if (typeof schema.pattern === 'string') words.push(`matching ${schema.pattern}`);
  if (typeof schema.format === 'string') words.push(schema.format);
  if (schema.default !== undefined) words.push(`default ${JSON.stringify(schema.default)}`);
  return words;
}
