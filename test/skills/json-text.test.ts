import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { locateJsonFault, parseJsonText } from '../../src/skills/json-text.ts';

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

describe('parseJsonText', () => {
  it.each([
    ['{"a": 1,\n "b": }', 2, 7, 'there is "}" where a value should be'],
    [
      '{"a": 1,\n}',
      2,
      1,
      'there is "}" where a property name in double quotes (is there a comma too many before it?) should be',
    ],
    ['{"a": 1\n "b": 2}', 2, 2, 'there is "\\"" where a comma or } should be'],
    ["{'a': 1}", 1, 2, 'there is "\'" where a property name in double quotes, or } should be'],
    ['{"a" 1}', 1, 6, 'there is "1" where a colon should be'],
    ['[1, 2', 1, 6, 'the text ends where a comma or ] should be'],
    ['', 1, 1, 'the text ends where a value should be'],
    [
      '{"a": "x\n"}',
      1,
      9,
      'there is a line break or another control character where the closing quote of a string should be',
    ],
    ['["\\q"]', 1, 3, 'there is "\\\\" where an escape that JSON knows should be'],
    ['[01]', 1, 2, 'there is "0" where a value or ] should be'],
    ['[NaN]', 1, 2, 'there is "N" where a value or ] should be'],
    ['{} x', 1, 4, 'there is "x" where the end of the text should be'],
    ['[1]]', 1, 4, 'there is "]" where the end of the text should be'],
    ['{]', 1, 2, 'there is "]" where a property name in double quotes, or } should be'],
  ])('tells line, column and what is due in %j', (text, line, column, message) => {
    expect(parseJsonText(text)).toEqual({ fault: { line, column, message } });
  });

  it('gives the value of a text that is JSON', () => {
    expect(parseJsonText(' {"a": [1, "x", null]} ')).toEqual({ value: { a: [1, 'x', null] } });
  });

  it('finds no fault in any JSON text', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.nat(3), (text, indent) => {
        const pretty = JSON.stringify(JSON.parse(text), undefined, indent);
        expect(locateJsonFault(pretty)).toBeUndefined();
      }),
    );
  });

  it('finds a fault exactly where JSON.parse refuses the text', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '\\',
      '1',
      '-',
      '0.5',
      '1e',
      'true',
      'nul',
      ' ',
      '\n',
      '\\u00e9',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        expect(locateJsonFault(text) === undefined).toBe(isJson(text));
      }),
      { numRuns: 2000 },
    );
  });

  it('locates the fault of a text with one long string', () => {
    expect(parseJsonText(`["${'a'.repeat(5_000_000)}`)).toMatchObject({
      fault: { line: 1, column: 5_000_003 },
    });
  });
});
