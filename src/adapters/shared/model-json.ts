import type { JsonValue } from '../../contracts/json.ts';
import { parseExactJson } from '../../lib/exact-json.ts';

/** The character before or after which a bare word is a value of its own. */
const beforeValue = /[[:,\s]/;
const afterValue = /[\],}\s]/;

/**
 * Parses what a model server wrote. Over JSON (RFC 8259) it takes a leading byte order mark and the bare words NaN,
 * Infinity and -Infinity, which TensorFlow Serving, Triton and Python write; they become the numbers that they name.
 * An integer beyond 2^53 - 1 becomes the string of its digits: a double would change them unnoticed.
 *
 * @throws SyntaxError where the text is neither
 * @throws RangeError where it is nested too deeply for its long integers to be read
 */
export function parseModelJson(text: string): JsonValue {
  try {
    return parseExactJson(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // A number that the text does not hold stands for NaN until it is parsed.
    let nan = '-0e00';
    while (text.includes(nan)) nan += '0';
    const strict = spellOut(text, nan);
    if (strict === text) throw error;
    return parseExactJson(strict, nan);
  }
}

/** Writes the words that JSON does not have as numbers that it does: 1e999 is read as Infinity. */
function spellOut(text: string, nan: string): string {
  let strict = '';
  let copied = text.startsWith('\uFEFF') ? 1 : 0;
  for (let at = copied; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') {
      at = endOfString(text, at);
      continue;
    }
    const word = character === 'N' ? 'NaN' : 'Infinity';
    if ((character !== 'N' && character !== 'I') || !standsAlone(text, at, word)) continue;
    strict += text.slice(copied, at) + (word === 'NaN' ? nan : '1e999');
    at += word.length - 1;
    copied = at + 1;
  }
  return strict + text.slice(copied);
}

function standsAlone(text: string, at: number, word: string): boolean {
  const before = word === 'Infinity' && text[at - 1] === '-' ? text[at - 2] : text[at - 1];
  const after = text[at + word.length];
  return (
    text.startsWith(word, at) &&
    (before === undefined || beforeValue.test(before)) &&
    (after === undefined || afterValue.test(after))
  );
}

/** Where the closing quote of a string stands, or the end of the text. */
function endOfString(text: string, start: number): number {
  let end = start;
  let backslashes: number;
  do {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    backslashes = 0;
    while (text[end - 1 - backslashes] === '\\') backslashes += 1;
  } while (backslashes % 2 === 1);
  return end;
}
