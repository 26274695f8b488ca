import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../src/contracts/json.ts';
import { findSchemaFaults } from '../../src/skills/schema-faults.ts';

const someTypes = 'must be one of array, boolean, integer, null, number, object, string, or a list of them';

describe('findSchemaFaults', () => {
  it.each<[JsonSchema]>([
    [{}],
    [{ $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' }],
    [
      {
        properties: { child: { $ref: '#' }, named: { $ref: '#/$defs/a~1b' } },
        $defs: { 'a/b': { type: 'string' } },
      },
    ],
    [{ $ref: '#here', $defs: { a: { $anchor: 'here' } } }],
    [{ $id: 'https://example.org/a', $ref: 'https://example.org/a#/$defs/b', $defs: { b: {} } }],
    [{ properties: { type: { type: 'string' }, format: { const: 'anything' }, pattern: { enum: ['('] } } }],
    [{ items: { format: 'date-time' }, properties: { n: { format: 'int32' } } }],
    [{ 'x-note': 'annotations of others are kept', example: 1 }],
  ])('finds nothing in %j', (schema) => {
    expect(findSchemaFaults(schema)).toEqual([]);
  });

  it.each<[JsonSchema, string, string]>([
    [{ type: 'strng' }, '/type', `${someTypes}; did you mean "string"?`],
    [{ type: ['string', 5] }, '/type', someTypes],
    [{ items: [{}] }, '/items', 'must be an object or a boolean, not an array'],
    [{ properties: { a: { required: 'b' } } }, '/properties/a/required', 'must be an array, not a string'],
    [{ minimum: '1' }, '/minimum', 'must be a number, not a string'],
    [{ $async: true }, '/$async', 'is not a keyword of JSON Schema'],
    [
      { $schema: 'http://json-schema.org/draft-07/schema#' },
      '/$schema',
      'only JSON Schema 2020-12 is understood here; leave $schema out or write "https://json-schema.org/draft/2020-12/schema"',
    ],
    [
      { allOf: [{ format: 'emial' }] },
      '/allOf/0/format',
      '"emial" is not a known format; did you mean "email"?',
    ],
    [
      { $defs: { 'a/b': { $ref: '#/$defs/c' } } },
      '/$defs/a~1b/$ref',
      '"#/$defs/c" leads to nothing in this schema',
    ],
    [{ $ref: '#nowhere' }, '/$ref', '"#nowhere" leads to nothing in this schema'],
    [
      { not: { $ref: 'https://example.org/s.json' } },
      '/not/$ref',
      '"https://example.org/s.json" leads out of this schema, and nothing is fetched; copy the schema under $defs and refer to it as "#/$defs/…"',
    ],
    [
      { $ref: 'other.json#/$defs/a' },
      '/$ref',
      '"other.json#/$defs/a" leads out of this schema, and nothing is fetched; copy the schema under $defs and refer to it as "#/$defs/…"',
    ],
    [
      { $ref: 'https://json-schema.org/draft/2020-12/schema' },
      '/$ref',
      '"https://json-schema.org/draft/2020-12/schema" leads out of this schema, and nothing is fetched; copy the schema under $defs and refer to it as "#/$defs/…"',
    ],
  ])('finds the one fault of %j', (schema, pointer, reason) => {
    expect(findSchemaFaults(schema)).toEqual([{ pointer, reason }]);
  });

  it.each<[JsonSchema, string]>([
    [{ pattern: '(' }, '/pattern'],
    [{ pattern: '[\\w-.]' }, '/pattern'],
    [{ patternProperties: { '[': {} } }, '/patternProperties/['],
  ])('points at the pattern that is no regular expression in %j', (schema, pointer) => {
    expect(findSchemaFaults(schema)).toEqual([
      {
        pointer,
        reason: expect.stringContaining('is not a regular expression of ECMAScript with the flag u'),
      },
    ]);
  });

  it('finds all faults at once', () => {
    const pointers = findSchemaFaults({
      properties: {
        a: { type: 'text' },
        b: { $ref: '#/$defs/b' },
        c: { pattern: '(' },
        d: { minLength: -1 },
      },
    }).map(({ pointer }) => pointer);
    expect(pointers.sort()).toEqual([
      '/properties/a/type',
      '/properties/b/$ref',
      '/properties/c/pattern',
      '/properties/d/minLength',
    ]);
  });
});
