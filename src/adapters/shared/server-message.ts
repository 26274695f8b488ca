import type { JsonValue } from '../../contracts/json.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { parseModelJson } from './model-json.ts';

/** How much of a server's message a caller gets to read, in characters. */
const maxMessage = 500;
/** How much of a body is searched for a message, in bytes. */
const maxSearched = 16 * 1024;

/**
 * Finds what a server says for people in an answer: `error`, `error.message`, `message`, `detail` (FastAPI), `errors`
 * in JSON, the title or the text of HTML, or else the text itself; on one line and bounded.
 *
 * @returns undefined where the body says nothing
 */
export function serverMessage({
  body,
  headers,
}: Pick<UpstreamResponse, 'body' | 'headers'>): string | undefined {
  const text = body.toString('utf8', 0, maxSearched);
  const message = messageInJson(text) ?? (isHtml(text, headers['content-type']) ? textOfHtml(text) : text);
  return onOneLine(message);
}

/** Brings a text to one line of at most 500 characters; undefined where nothing is left. */
export function onOneLine(text: string): string | undefined {
  const line = text.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  if (line === '') return undefined;
  return line.length <= maxMessage ? line : `${line.slice(0, maxMessage - 1).toWellFormed()}…`;
}

function messageInJson(text: string): string | undefined {
  if (!/^\s*[{["]/.test(text)) return undefined;
  try {
    return messageIn(parseModelJson(text));
  } catch {
    // Not JSON after all: then it is text.
    return undefined;
  }
}

/** Finds the message for people in a JSON value; undefined where there is none. */
export function messageIn(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (Array.isArray(value))
    return value
      .map(messageOfFault)
      .filter((message) => message !== undefined)
      .join('; ');
  if (typeof value !== 'object' || value === null) return undefined;
  const { error, message, detail, errors, error_description: description } = value;
  for (const candidate of [description, error, message, detail, errors]) {
    const found = messageIn(candidate);
    if (found) return found;
  }
  return undefined;
}

/** One entry of a list of faults, with its place where FastAPI gives one (`{loc, msg, type}`). */
function messageOfFault(fault: JsonValue): string | undefined {
  if (typeof fault !== 'object' || fault === null || Array.isArray(fault)) return messageIn(fault);
  const { loc, msg } = fault;
  if (typeof msg !== 'string') return messageIn(fault);
  return Array.isArray(loc) ? `${loc.join('.')}: ${msg}` : msg;
}

function isHtml(text: string, type: string | string[] | undefined): boolean {
  return String(type ?? '').startsWith('text/html') || /^\s*<(?:!doctype|html|head|body)\b/i.test(text);
}

function textOfHtml(html: string): string {
  const [, title] = /<title[^<>]*>([^<]*)/i.exec(html) ?? [];
  if (title?.trim()) return decodeEntities(title);
  return decodeEntities(
    html.replaceAll(/<(script|style)\b[^<>]*>[\s\S]*?<\/\1>/gi, ' ').replaceAll(/<[^<>]*>/g, ' '),
  );
}

const entities: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  amp: '&',
  quot: '"',
  nbsp: ' ',
  '#39': "'",
};

function decodeEntities(text: string): string {
  return text.replaceAll(/&(lt|gt|amp|quot|nbsp|#39);/g, (whole, name: string) => entities[name] ?? whole);
}
