import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonSchema, JsonValue } from '../../src/contracts/json.ts';
import { compileValidator } from '../../src/skills/validator.ts';

/** Follows a JSON Pointer (RFC 6901); undefined where it leads nowhere. */
function follow(value: JsonValue, pointer: string): unknown {
  let place: unknown = value;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    place =
      typeof place === 'object' && place !== null
        ? Object.getOwnPropertyDescriptor(place, key)?.value
        : undefined;
  }
  return place;
}

describe('a compiled validator', () => {
  it('finds nothing in a value that fits', () => {
    expect(compileValidator({ type: 'object', required: ['text'] })({ text: 'a' })).toEqual([]);
  });

  it('finds every fault of a small value, each where it is', () => {
    const validate = compileValidator({
      type: 'object',
      required: ['text'],
      additionalProperties: false,
      properties: {
        text: { type: 'string' },
        count: { type: ['integer', 'null'], minimum: 1 },
        mode: { enum: ['fast', 'exact'] },
        rows: { type: 'array', items: { type: 'number' } },
      },
    });
    expect(validate({ txt: 'a', count: 0, mode: 'slow', rows: [1, 'two', 3, true] })).toEqual([
      { pointer: '', keyword: 'required', message: 'must have the property "text"' },
      {
        pointer: '/txt',
        keyword: 'additionalProperties',
        message: 'is not a known property; did you mean "text"?',
      },
      { pointer: '/count', keyword: 'minimum', message: 'must be >= 1' },
      { pointer: '/mode', keyword: 'enum', message: 'must be one of "fast", "exact"' },
      { pointer: '/rows/1', keyword: 'type', message: 'must be a number, not a string' },
      { pointer: '/rows/3', keyword: 'type', message: 'must be a number, not a boolean' },
    ]);
  });

  it.each<[JsonSchema, JsonValue, string, string]>([
    [{ type: ['number', 'null'] }, [], '', 'must be a number or null, not an array'],
    [{ const: 'a' }, 'b', '', 'must be "a"'],
    [{ minLength: 1 }, '', '', 'must have at least 1 character'],
    [{ maxItems: 2 }, [1, 2, 3], '', 'must have at most 2 items'],
    [{ maxProperties: 1 }, { a: 1, b: 2 }, '', 'must have at most 1 property'],
    [{ prefixItems: [{}], items: false }, [1, 2], '', 'must have at most 1 item'],
    [
      { contains: { type: 'string' } },
      [],
      '',
      'must contain at least 1 item of the kind that contains describes',
    ],
    [{ pattern: '^a' }, 'b', '', 'must match the pattern ^a'],
    [{ format: 'email' }, 'b', '', 'must be of the format "email"'],
    [{ multipleOf: 0.01 }, 1.115, '', 'must be a multiple of 0.01'],
    [
      { uniqueItems: true },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      '',
      'must not have two equal items',
    ],
    [{ not: { type: 'null' } }, null, '', 'must not fit the schema in not'],
    [{ properties: { a: false } }, { a: 1 }, '/a', 'must not be here'],
    [
      { propertyNames: { maxLength: 1 } },
      { ab: 1 },
      '/ab',
      'has a name that is not allowed: it must have at most 1 character',
    ],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }, '', 'must have the property "b", since it has "a"'],
    [
      { oneOf: [{ type: 'number' }, { type: 'integer' }] },
      1,
      '',
      'must fit only one of the alternatives in oneOf, but fits those at 0 and 1',
    ],
    [
      { properties: { kind: {} }, additionalProperties: false },
      { other: 1 },
      '/other',
      'is not a known property; known are "kind"',
    ],
    [{ properties: { 'a/b~c': { type: 'null' } } }, { 'a/b~c': 1 }, '/a~1b~0c', 'must be null, not a number'],
  ])('says what is wrong under %j with %j', (schema, value, pointer, message) => {
    expect(compileValidator(schema)(value)).toEqual([expect.objectContaining({ pointer, message })]);
  });

  it.each<[JsonSchema, JsonValue]>([
    [{ multipleOf: 0.01 }, 1.11],
    [{ uniqueItems: true }, [1, '1', { a: 1 }, '{"a":1}', true, 'true', null]],
    [{ format: 'iri' }, 'not checked, since nothing here can'],
    [{ type: 'object', properties: { toString: { type: 'string' } } }, {}],
  ])('takes what %j allows: %j', (schema, value) => {
    expect(compileValidator(schema)(value)).toEqual([]);
  });

  it('does not take what every object inherits for a property', () => {
    expect(compileValidator({ required: ['constructor'] })({})).toHaveLength(1);
  });

  it('tells 32 faults at most', () => {
    expect(
      compileValidator({ items: { type: 'string' } })(Array.from({ length: 500 }, () => 1)),
    ).toHaveLength(32);
  });

  it('tells the first fault alone when the value is large', () => {
    const faults = compileValidator({ items: { type: 'string' } })(Array.from({ length: 100_000 }, () => 1));
    expect(faults.map(({ pointer }) => pointer)).toEqual(['/0']);
  });

  it('compares a long list with itself well within the time of a test', () => {
    // Every item with every other would be 5,000,000,000 comparisons.
    const list = Array.from({ length: 100_000 }, (_, index) => [index]);
    expect(compileValidator({ uniqueItems: true })(list)).toEqual([]);
  });

  it('keeps what it says short, however large names and lists are', () => {
    const validate = compileValidator({
      properties: { choice: { enum: Array.from({ length: 500 }, (_, index) => `value ${index}`) } },
      additionalProperties: false,
    });
    const faults = validate({ choice: 'none', ['x'.repeat(100_000)]: 1 });
    expect(faults).toHaveLength(2);
    expect(JSON.stringify(faults).length).toBeLessThan(2000);
  });

  it('refuses a value deeper than a schema that refers to itself can follow', () => {
    const validate = compileValidator({ items: { $ref: '#' }, type: 'array' });
    let value: JsonValue = [];
    for (let depth = 0; depth < 100_000; depth += 1) value = [value];
    expect(validate(value)).toEqual([
      { pointer: '', keyword: '$ref', message: 'is nested too deeply for a schema that refers to itself' },
    ]);
  });

  it('points at a place that is there, for any value', () => {
    const validate = compileValidator({
      type: 'object',
      additionalProperties: {
        type: 'array',
        items: { type: 'object', additionalProperties: { type: 'boolean' } },
      },
    });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (object) => {
        const value: JsonValue = JSON.parse(JSON.stringify(object));
        for (const { pointer } of validate(value)) expect(follow(value, pointer)).toBeDefined();
      }),
    );
  });
});
