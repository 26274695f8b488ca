/**
 * Reads base64 of either alphabet (RFC 4648, sections 4 and 5), with its padding or without any.
 *
 * @returns undefined for anything else; Node itself would skip what it does not know
 */
export function fromBase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={1,2}$/, '');
  if (!/^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)$/.test(digits) || digits.length % 4 === 1) return undefined;
  if (digits.length < text.length && text.length % 4 !== 0) return undefined;
  return Buffer.from(digits, 'base64');
}
