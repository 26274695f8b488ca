/** Such as `data:image/png;base64,` (RFC 2397). */
const dataUrl = /^data:[^,]{0,200};base64,/;

/**
 * Reads base64 of either alphabet (RFC 4648, sections 4 and 5), with its padding or without any, also in a data: URL.
 *
 * @returns undefined for anything else; Node itself would skip what it does not know
 */
export function fromBase64(text: string): Buffer | undefined {
  const written = text.replace(dataUrl, '');
  const digits = written.replace(/={1,2}$/, '');
  if (!/^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)$/.test(digits) || digits.length % 4 === 1) return undefined;
  if (digits.length < written.length && written.length % 4 !== 0) return undefined;
  return Buffer.from(digits, 'base64');
}
