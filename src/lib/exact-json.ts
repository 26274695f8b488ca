type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** Found sooner than an integer, and rare in what people write. */
const manyDigits = /\d{16}/;

/** An integer of 16 digits or more, which a JavaScript number may not hold exactly; also where it stands in a string. */
const longInteger = /(?:^|[[:,\s-])\d{16,}(?:[\],}\s]|$)/;

/**
 * Parses JSON (RFC 8259) without changing integers: one beyond 2^53 - 1 becomes the string of its digits, since a double
 * would round it unnoticed. A schema that says number then refuses it, and one that says string keeps it whole.
 *
 * @param nan a number in the text that stands for NaN
 * @throws SyntaxError where the text is not JSON
 * @throws RangeError where it is nested too deeply for its long integers to be read
 */
export function parseExactJson(text: string, nan?: string): Json {
  if (nan === undefined && !(manyDigits.test(text) && longInteger.test(text))) return JSON.parse(text);
  return JSON.parse(text, (_key: string, value: Json, context?: { source?: string }) => {
    if (typeof value !== 'number') return value;
    if (context?.source === nan && nan !== undefined) return Number.NaN;
    return Number.isSafeInteger(value) || !isInteger(context?.source) ? value : context.source;
  });
}

function isInteger(source: string | undefined): source is string {
  return source !== undefined && /^-?\d+$/.test(source);
}
