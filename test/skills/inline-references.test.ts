import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';
import { inlineReferences } from '../../src/skills/inline-references.ts';
import { walkSchema } from '../../src/skills/schema-walk.ts';
import { createAjv } from '../../src/skills/validator.ts';

const names = ['a', 'b', 'c'];
const references = ['#/$defs/a', '#/$defs/b', '#/$defs/c', '#', '#anchored'];

/** Schemas that refer to each other, and to themselves, in every kind of place. */
const { schema: anySchema } = fc.letrec<{ schema: JsonObject; leaf: JsonObject }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom<JsonObject[]>(
      {},
      { type: 'integer', minimum: 1 },
      { type: 'string', maxLength: 1 },
      { type: 'array' },
      { type: 'object' },
      { enum: [1, 'x', null] },
    ),
    fc.record({ $ref: fc.constantFrom(...references) }),
    fc.record({
      $ref: fc.constantFrom(...references),
      title: fc.constant<JsonValue>('T'),
      type: fc.constant<JsonValue>('object'),
    }),
    fc.record({ $ref: fc.constantFrom(...references), required: fc.constant<JsonValue>(['a']) }),
  ),
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    tie('leaf'),
    fc.record(
      {
        properties: fc.dictionary(fc.constantFrom(...names), tie('schema'), { maxKeys: 2 }),
        required: fc.constant<JsonValue>(['a']),
        additionalProperties: fc.oneof(fc.boolean(), tie('schema')),
      },
      { requiredKeys: ['properties'] },
    ),
    fc.record({ items: tie('schema'), type: fc.constant('array') }),
    fc.record({ contains: tie('schema'), maxContains: fc.constant(1) }),
    fc.record({ not: tie('schema') }),
    fc.record({ if: tie('schema'), else: tie('schema') }),
    fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }), title: fc.constant('one') }),
    fc.record({
      anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
      oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
    }),
    fc.record({
      allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
      unevaluatedProperties: fc.constant(false),
    }),
    fc.record({
      $ref: fc.constantFrom(...references),
      properties: fc.dictionary(fc.constantFrom(...names), tie('schema'), { maxKeys: 1 }),
      additionalProperties: fc.constant(false),
    }),
  ),
}));

const document = fc
  .tuple(anySchema, anySchema, anySchema, anySchema)
  .map(([root, a, b, c]) => ({ ...root, $defs: { a, b: { $anchor: 'anchored', ...b }, c } }));

const { value: anyValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonValue[]>(null, 0, 1, 'x', 'xx', true),
    fc.array(tie('value'), { maxLength: 2 }),
    fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 2 }),
  ),
}));

/** Makes the check of a schema: whether it takes a value; undefined where it refers to itself without end. */
function checkOf(schema: JsonObject): (value: JsonValue) => boolean | undefined {
  const unlessEndless = <Result>(work: () => Result): Result | undefined => {
    try {
      return work();
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  };
  const check = unlessEndless(() => createAjv({}).compile(schema));
  return (value) => unlessEndless(() => check?.(value));
}

describe('inlining references', () => {
  it('leaves no reference, and takes every value that the schema takes', () => {
    fc.assert(
      fc.property(document, fc.array(anyValue, { minLength: 3, maxLength: 6 }), (schema, values) => {
        const inlined = inlineReferences(schema);
        for (const { schema: part } of walkSchema(inlined)) {
          expect(Object.keys(part).filter((key) => /^\$(ref|dynamicRef|defs|anchor)$/.test(key))).toEqual([]);
        }
        const [before, after] = [checkOf(schema), checkOf(inlined)];
        for (const value of values) {
          if (before(value) === true) expect([value, after(value)]).toEqual([value, true]);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('takes no other values where nothing refers to itself', () => {
    const acyclic = fc
      .tuple(anySchema, anySchema)
      .filter((schemas) => !JSON.stringify(schemas).match(/"#"|anchored|defs\/[bc]/))
      .map(([root, a]) => ({
        ...root,
        $defs: {
          a: JSON.parse(JSON.stringify(a).replaceAll('#/$defs/a', '#/$defs/end')),
          end: { type: 'integer' },
        },
      }));
    fc.assert(
      fc.property(acyclic, anyValue, (schema, value) => {
        expect(checkOf(inlineReferences(schema))(value)).toBe(checkOf(schema)(value));
      }),
      { numRuns: 100 },
    );
  });

  it('keeps what stands beside a reference, and joins the two where that says the same', () => {
    const $defs = {
      input: { type: 'object', properties: { n: { $ref: '#/$defs/count' } }, description: 'All of it' },
      count: { type: 'integer', minimum: 1, description: 'A count' },
    };
    expect(inlineReferences({ type: 'object', $ref: '#/$defs/input', $defs })).toEqual({
      type: 'object',
      description: 'All of it',
      properties: { n: { type: 'integer', minimum: 1, description: 'A count' } },
    });
    expect(
      inlineReferences({ properties: { n: { $ref: '#/$defs/count', description: 'How many' } }, $defs }),
    ).toEqual({
      properties: { n: { type: 'integer', minimum: 1, description: 'How many' } },
    });
    expect(inlineReferences({ $ref: '#/$defs/count', minimum: 5, $defs })).toEqual({
      minimum: 5,
      allOf: [{ type: 'integer', minimum: 1, description: 'A count' }],
    });
  });

  it('writes a tree to its first repetition, and says there what type comes again', () => {
    const node = {
      type: 'object',
      description: 'A node',
      properties: { children: { type: 'array', items: { $ref: '#/$defs/node' } } },
    };
    expect(
      inlineReferences({ type: 'object', properties: { root: { $ref: '#/$defs/node' } }, $defs: { node } }),
    ).toEqual({
      type: 'object',
      properties: {
        root: {
          ...node,
          properties: { children: { type: 'array', items: { type: 'object', description: 'A node' } } },
        },
      },
    });
  });

  it('follows references into embedded documents, by their identifiers', () => {
    const schema = {
      $id: 'https://example.com/root',
      type: 'object',
      properties: { item: { $ref: 'item' }, part: { $ref: 'item#/$defs/part' } },
      $defs: { item: { $id: 'item', $ref: '#/$defs/part', $defs: { part: { type: 'string' } } } },
    };
    expect(inlineReferences(schema)).toEqual({
      type: 'object',
      properties: { item: { type: 'string' }, part: { type: 'string' } },
    });
  });

  it('gives up on schemas that would grow without measure', () => {
    const $defs = Object.fromEntries(
      Array.from({ length: 30 }, (_, level) => [
        `level${level}`,
        {
          type: 'object',
          properties: { x: { $ref: `#/$defs/level${level + 1}` }, y: { $ref: `#/$defs/level${level + 1}` } },
        },
      ]),
    );
    const schema = { $ref: '#/$defs/level0', $defs: { ...$defs, level30: { type: 'integer' } } };
    expect(JSON.stringify(inlineReferences(schema)).length).toBeLessThan(100_000);
  });
});
