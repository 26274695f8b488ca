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

function canonicalObject(object: Readonly<Record<string, unknown>> | object): string {
  if (isCanonical(object)) return JSON.stringify(object);
  // RFC 8785 sorts by UTF-16 code units, as Array.prototype.sort does.
  const members = new Map(Object.entries(object));
  const keys = [...members.keys()].sort();
  const parts = keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(members.get(key))}`);
  return `{${parts.join(',')}}`;
}

/** Whether no member is an object or a list, and the keys are in order: then JSON.stringify writes the same. */
function isCanonical(object: object): boolean {
  for (const member of Object.values(object)) if (typeof member === 'object' && member !== null) return false;
  let last = '';
  for (const key of Object.keys(object)) {
    if (key < last) return false;
    last = key;
  }
  return true;
}
