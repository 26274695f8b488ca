import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contracts/json.ts';
import { findClientWarnings } from '../../src/skills/client-warnings.ts';
import { compileGood, plainDefinition } from './fixtures.ts';

const text = { type: 'string', description: 'A text.' };
const told = {
  input_schema: { type: 'object', properties: { text } },
  output_schema: { type: 'object', properties: { prediction: text } },
};

/** The warnings about a definition that is told well but for these changes. */
function warningsOf(changes: JsonObject) {
  return findClientWarnings(compileGood(plainDefinition({ ...told, ...changes })));
}

function output(schema: JsonObject) {
  return {
    output_schema: {
      type: 'object',
      description: 'An answer.',
      properties: { value: { description: 'It.', ...schema } },
    },
  };
}

describe('warnings about clients', () => {
  it('are none for a definition that says what it means', () => {
    expect(warningsOf({})).toEqual([]);
  });

  it.each(['anyOf', 'oneOf', 'allOf'])('name a root %s, and what to write instead', (keyword) => {
    const input_schema = { type: 'object', [keyword]: [{ properties: { text } }] };
    expect(warningsOf({ input_schema })).toEqual([
      {
        pointer: `/input_schema/${keyword}`,
        reason: expect.stringContaining('Messages API refuses'),
        instead: expect.stringContaining('one object'),
      },
    ]);
  });

  it('name each property whose name is refused, at any depth, and say when the skill itself is lost', () => {
    const inner = { type: 'object', description: 'More.', properties: { 'größe/x': text } };
    const input_schema = { type: 'object', properties: { 'a b': text, inner }, required: ['a b'] };
    expect(warningsOf({ input_schema })).toMatchObject([
      { pointer: '/input_schema/properties/a b', reason: expect.stringContaining('leaves the skill out') },
      {
        pointer: '/input_schema/properties/inner/properties/größe~1x',
        reason: expect.stringContaining('leaves the property out'),
      },
    ]);
  });

  it.each([
    [1024, []],
    [1025, [{ pointer: '/description', reason: expect.not.stringContaining('MCP') }]],
    [2049, [{ pointer: '/description', reason: expect.stringContaining('MCP clients near 2048') }]],
  ])('look at a description of %i characters', (length, expected) => {
    expect(warningsOf({ description: 'x'.repeat(length) })).toMatchObject(expected);
  });

  it('name angle brackets in a description', () => {
    expect(warningsOf({ description: 'Turns <b> into bold' })).toMatchObject([{ pointer: '/description' }]);
  });

  it('name a name that is too long with the prefix of a plugin', () => {
    expect(warningsOf({ name: 'a'.repeat(31) })).toEqual([]);
    expect(warningsOf({ name: 'a'.repeat(32) })).toMatchObject([
      {
        pointer: '/name',
        reason: expect.stringContaining('65 characters'),
        instead: expect.stringContaining('31'),
      },
    ]);
  });

  it('name a name with a reserved word', () => {
    expect(warningsOf({ name: 'ask_claude' })).toMatchObject([{ pointer: '/name' }]);
  });

  it('name the properties without a description, once a schema, and not those that refer to one', () => {
    const input_schema = {
      type: 'object',
      $defs: { text },
      properties: {
        a: { type: 'string' },
        b: { $ref: '#/$defs/text' },
        c: { type: 'array', items: { type: 'string' } },
      },
    };
    expect(warningsOf({ input_schema })).toMatchObject([
      { pointer: '/input_schema', reason: expect.stringMatching(/^no description: a, c;/) },
    ]);
  });

  it.each([
    [
      'a tensor of fixed size',
      { type: 'array', minItems: 100, items: { type: 'array', minItems: 100, items: { type: 'number' } } },
    ],
    ['a long list', { type: 'array', maxItems: 20_000, items: { type: 'string', maxLength: 10 } }],
    ['a long text', { type: ['string', 'null'], maxLength: 200_000 }],
    [
      'a long text in one of two cases',
      { anyOf: [{ type: 'null' }, { type: 'string', maxLength: 200_000 }] },
    ],
  ])('name an output over 25,000 tokens: %s', (_case, schema) => {
    expect(warningsOf(output(schema))).toMatchObject([
      { pointer: '/output_schema', reason: expect.stringContaining('25,000 tokens') },
    ]);
  });

  it.each([
    ['without a limit', { type: 'array', items: { type: 'string' } }],
    ['of moderate size', { type: 'array', maxItems: 1000, items: { type: 'number' } }],
    ['that is an image', { type: 'string', contentMediaType: 'image/png', maxLength: 5_000_000 }],
    ['of a few words', { enum: ['a', 'b'] }],
  ])('say nothing of an output %s', (_case, schema) => {
    expect(warningsOf(output(schema))).toEqual([]);
  });

  it('name an example whose output is too long', () => {
    const examples = [
      { input: { text: 'a' } },
      { input: { text: 'a' }, output: { prediction: 'x'.repeat(100_001) } },
    ];
    expect(warningsOf({ examples })).toMatchObject([{ pointer: '/examples/1/output' }]);
  });
});
