import type { JsonValue } from '../contracts/json.ts';

/** Where a text stops being JSON. Line and column count from 1, the column in UTF-16 code units. */
export interface JsonTextFault {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export type JsonTextResult = { readonly value: JsonValue } | { readonly fault: JsonTextFault };

/**
 * Parses JSON (RFC 8259). Where the text is broken it tells the place, which `JSON.parse` does for some faults only.
 *
 * @param text without a byte order mark
 */
export function parseJsonText(text: string): JsonTextResult {
  try {
    const value: JsonValue = JSON.parse(text);
    return { value };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return { fault: locateJsonFault(text) ?? { line: 1, column: 1, message: error.message } };
  }
}

type Expectation = 'value' | 'valueOrEnd' | 'key' | 'keyOrEnd' | 'colon' | 'commaOrEnd' | 'nothing';

const expectationTexts: Record<Expectation, (inside: string | undefined) => string> = {
  value: () => 'a value',
  valueOrEnd: () => 'a value or ]',
  key: () => 'a property name in double quotes (is there a comma too many before it?)',
  keyOrEnd: () => 'a property name in double quotes, or }',
  colon: () => 'a colon',
  commaOrEnd: (inside) => (inside === '{' ? 'a comma or }' : 'a comma or ]'),
  nothing: () => 'the end of the text',
};

const blank = /[ \t\n\r]*/y;
const numberOrWord = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])|(?:true|false|null)(?!\w)/y;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;

/**
 * Finds the first place at which a text cannot be JSON.
 *
 * @returns undefined where the text is JSON
 */
export function locateJsonFault(text: string): JsonTextFault | undefined {
  /** The brackets that are open at this place. */
  const open: string[] = [];
  let expected: Expectation = 'value';
  let offset = 0;
  const afterValue = (): Expectation => (open.length === 0 ? 'nothing' : 'commaOrEnd');
  for (;;) {
    offset = matchAt(blank, text, offset) ?? offset;
    const character = text[offset];
    if (character === undefined && expected === 'nothing') return undefined;
    const inside = open.at(-1);
    const wantsValue: boolean = expected === 'value' || expected === 'valueOrEnd';
    const wantsKey: boolean = expected === 'key' || expected === 'keyOrEnd';
    let end: number | undefined;
    if (wantsValue && (character === '{' || character === '[')) {
      open.push(character);
      expected = character === '{' ? 'keyOrEnd' : 'valueOrEnd';
      end = offset + 1;
    } else if (closes(character, inside) && (expected === 'commaOrEnd' || expected.endsWith('OrEnd'))) {
      open.pop();
      expected = afterValue();
      end = offset + 1;
    } else if (expected === 'commaOrEnd' && character === ',') {
      expected = inside === '{' ? 'key' : 'value';
      end = offset + 1;
    } else if (expected === 'colon' && character === ':') {
      expected = 'value';
      end = offset + 1;
    } else if (character === '"' && (wantsValue || wantsKey)) {
      end = endOfStringContent(text, offset + 1);
      if (text[end] === '\\') return fault(text, end, 'an escape that JSON knows');
      if (text[end] !== '"') return fault(text, end, 'the closing quote of a string');
      end += 1;
      expected = wantsKey ? 'colon' : afterValue();
    } else if (wantsValue) {
      end = matchAt(numberOrWord, text, offset);
      expected = end === undefined ? expected : afterValue();
    }
    if (end === undefined) return fault(text, offset, expectationTexts[expected](inside));
    offset = end;
  }
}

function closes(character: string | undefined, open: string | undefined): boolean {
  return (character === '}' && open === '{') || (character === ']' && open === '[');
}

/** Where the characters that a string may hold end: at its closing quote, or at a fault. */
function endOfStringContent(text: string, start: number): number {
  let offset = start;
  for (;;) {
    const character = text[offset];
    if (character === undefined || character === '"' || character < ' ') return offset;
    const end = character === '\\' ? matchAt(escapeSequence, text, offset) : offset + 1;
    if (end === undefined) return offset;
    offset = end;
  }
}

/** The end of the match that starts at the offset. */
function matchAt(pattern: RegExp, text: string, offset: number): number | undefined {
  pattern.lastIndex = offset;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function fault(text: string, offset: number, expected: string): JsonTextFault {
  const before = text.slice(0, offset);
  const character = text[offset];
  const found =
    character === undefined
      ? 'the text ends'
      : character < ' '
        ? 'there is a line break or another control character'
        : `there is ${JSON.stringify(String.fromCodePoint(text.codePointAt(offset) ?? 0))}`;
  return {
    line: before.split('\n').length,
    column: offset - before.lastIndexOf('\n'),
    message: `${found} where ${expected} should be`,
  };
}
