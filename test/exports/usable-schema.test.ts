import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/contracts/json.ts';
import { flattenRoot } from '../../src/exports/flatten-root.ts';
import { withUsableProperties } from '../../src/exports/usable-properties.ts';

const propertyName = fc.constantFrom('text', 'size', 'a b', 'größe', 'x'.repeat(65), '__proto__x', 'anyOf');

/** Schemas with the keywords that matter here, in any combination, some levels deep. */
const { schema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonObject>({ type: 'string' }, {}, { enum: [{ properties: { 'a b': 1 } }] }),
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(propertyName, tie('schema'), { maxKeys: 3, noNullPrototype: true }),
        required: fc.uniqueArray(propertyName, { maxLength: 2 }),
        items: tie('schema'),
        allOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
        anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
        oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }),
        additionalProperties: fc.boolean(),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
  ),
}));

/** The names of all properties that a schema describes. */
function propertyNames(value: JsonValue): string[] {
  if (Array.isArray(value)) return value.flatMap(propertyNames);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([keyword, member]) => {
    if (keyword === 'enum' || keyword === 'required') return [];
    if (keyword !== 'properties' || !isJsonObject(member)) return propertyNames(member);
    return [...Object.keys(member), ...Object.values(member).flatMap(propertyNames)];
  });
}

it('leaves nothing that the Messages API refuses, whatever the schema', () => {
  fc.assert(
    fc.property(schema, (any) => {
      const usable = withUsableProperties(flattenRoot(any).schema);
      if (usable === undefined) return;
      for (const keyword of ['anyOf', 'oneOf', 'allOf']) expect(usable).not.toHaveProperty(keyword);
      for (const name of propertyNames(usable)) expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,64}$/);
    }),
  );
});

it('changes nothing of a schema that the Messages API takes', () => {
  const name = fc.stringMatching(/^[a-zA-Z0-9_.-]{1,64}$/).filter((each) => each !== '__proto__');
  const plain = fc.dictionary(
    name,
    fc.constantFrom<JsonObject>({ type: 'string' }, { anyOf: [{}, { type: 'null' }] }),
  );
  fc.assert(
    fc.property(plain, (properties) => {
      const good: JsonObject = { type: 'object', properties: { ...properties } };
      expect(withUsableProperties(flattenRoot(good).schema)).toEqual(good);
    }),
  );
});
