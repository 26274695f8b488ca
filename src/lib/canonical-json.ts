/**
 * Writes a JSON value in canonical form (RFC 8785, JCS): the same text for the same value, whatever the order of its
 * keys. Lone surrogates, which RFC 8785 refuses, are kept as escapes, so that every parsed body has a text.
 *
 * @param value what `JSON.parse` gives; recursion is as deep as the value, which has to be bounded before
 */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  return canonicalObject(value);
}

function canonicalObject(object: object): string {
  let text = '{';
  // RFC 8785 sorts by UTF-16 code units, as Array.prototype.sort does.
  const entries = Object.entries(object);
  if (entries.length > 1) entries.sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, member] of entries) {
    text += `${text === '{' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(member)}`;
  }
  return `${text}}`;
}
