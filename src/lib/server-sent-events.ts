import { createLineReader } from './lines.ts';

/** One event of a `text/event-stream`. */
export interface ServerSentEvent {
  /** `message` unless the stream says otherwise. */
  readonly type: string;
  readonly data: string;
}

/**
 * Makes a parser of server-sent events (WHATWG HTML, 9.2.6), less `id` and `retry`, which are for reconnecting. An
 * event that the stream breaks off in is not given. Over the standard it takes lines `error: …`, which llama.cpp
 * writes: they are data of an event of type `error`.
 *
 * @returns takes the bytes of the stream, however they are cut
 */
export function createEventParser(onEvent: (event: ServerSentEvent) => void): (bytes: Uint8Array) => void {
  let type = 'message';
  let data: string[] = [];

  const { push } = createLineReader((line) => {
    if (line === '') {
      const event = { type, data: data.join('\n') };
      const isEmpty = data.length === 0;
      type = 'message';
      data = [];
      if (!isEmpty) onEvent(event);
      return;
    }
    const { field, value } = fieldOf(line);
    if (field === 'event') type = value;
    if (field === 'error') type = 'error';
    if (field === 'data' || field === 'error') data.push(value);
  });
  return push;
}

/** A comment is a line with an empty field name. */
function fieldOf(line: string): { readonly field: string; readonly value: string } {
  const colon = line.indexOf(':');
  if (colon === -1) return { field: line, value: '' };
  const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1;
  return { field: line.slice(0, colon), value: line.slice(start) };
}
