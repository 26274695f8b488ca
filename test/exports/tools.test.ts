import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../src/contracts/json.ts';
import { toMessagesTools } from '../../src/exports/tools.ts';
import { compileGood, plainDefinition } from '../skills/fixtures.ts';

function toolsOf(input_schema: JsonObject) {
  const compiled = compileGood(plainDefinition({ input_schema, cache: { enabled: false } }));
  return toMessagesTools([{ ...compiled, file: 'a.json', loadSeconds: 0 }]);
}

describe('the tools of the Messages API', () => {
  it('have the name, the description and the input schema, and nothing else', () => {
    const input_schema = { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] };
    expect(toolsOf(input_schema)).toEqual([
      {
        name: 'local_model_predict',
        description: 'Call local NLP model for text processing',
        input_schema,
      },
    ]);
  });

  it('have no references', () => {
    const [tool] = toolsOf({
      type: 'object',
      $defs: { text: { type: 'string', maxLength: 5 } },
      properties: { text: { $ref: '#/$defs/text' } },
    });
    expect(tool?.input_schema).toEqual({
      type: 'object',
      properties: { text: { type: 'string', maxLength: 5 } },
    });
  });

  it('have no either-or at the root: its branches become one object, and the description has the rule', () => {
    const oneOf = [
      { properties: { url: { type: 'string' }, size: { type: 'integer' } }, required: ['url', 'size'] },
      { properties: { file: { type: 'string' }, size: { type: 'string' } }, required: ['file', 'size'] },
    ];
    const [tool] = toolsOf({ type: 'object', properties: { text: { type: 'string' } }, oneOf });
    expect(tool?.input_schema).toEqual({
      type: 'object',
      properties: {
        text: { type: 'string' },
        url: { type: 'string' },
        file: { type: 'string' },
        size: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
      },
      required: ['size'],
    });
    expect(tool?.description).toContain(JSON.stringify({ oneOf }));
  });

  it('ask for what every part of a root allOf asks for, also where an either-or stands within it', () => {
    const [tool] = toolsOf({
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'string' } },
      allOf: [
        { properties: { a: { minLength: 2 }, b: true }, required: ['b'] },
        { anyOf: [{ required: ['c'] }, { properties: { c: { type: 'null' } } }] },
      ],
    });
    expect(tool?.input_schema).toEqual({
      type: 'object',
      required: ['a', 'b'],
      properties: { a: { allOf: [{ type: 'string' }, { minLength: 2 }] }, b: true, c: { type: 'null' } },
    });
  });

  it('keep an either-or further in', () => {
    const value = { anyOf: [{ type: 'string' }, { type: 'number' }] };
    const [tool] = toolsOf({ type: 'object', properties: { value } });
    expect(tool?.input_schema).toEqual({ type: 'object', properties: { value } });
  });

  it('leave out optional properties of names that the API refuses, at any depth, and nothing that is data', () => {
    const inner = {
      type: 'object',
      properties: { größe: { type: 'number' }, ok: { enum: [{ properties: { 'ä ö': 1 } }] } },
    };
    const [tool] = toolsOf({
      type: 'object',
      properties: { 'a b': { type: 'string' }, list: { type: 'array', items: inner }, properties: inner },
    });
    const kept = { type: 'object', properties: { ok: { enum: [{ properties: { 'ä ö': 1 } }] } } };
    expect(tool?.input_schema).toEqual({
      type: 'object',
      properties: { list: { type: 'array', items: kept }, properties: kept },
    });
  });

  it('leave out a skill that requires such a property, since it would fail the whole request', () => {
    expect(toolsOf({ type: 'object', properties: { 'a b': {} }, required: ['a b'] })).toEqual([]);
  });
});
