import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import { createLineReader } from '../../lib/lines.ts';
import { createEventParser } from '../../lib/server-sent-events.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';
import { parseModelJson } from '../shared/model-json.ts';
import { messageIn, onOneLine } from '../shared/server-message.ts';

/** What a model has written, when it has stopped. */
export interface Generation {
  readonly text: string;
  /** Why it stopped, in the words of the API: `stop`, `length`, `content_filter`; undefined where it does not say. */
  readonly finishReason: string | undefined;
  /** What it says in place of an answer. */
  readonly refusal: string;
}

/** Puts a generation together out of its stream. */
export interface GenerationReader {
  /**
   * Takes a piece of the stream.
   *
   * @throws SkillgateError `upstream_error` for an error that the server tells in the stream, or what is no event
   */
  push(piece: Buffer): void;
  /** @throws SkillgateError `upstream_error` where the stream ended before the model did */
  end(): Generation;
}

/**
 * Reads a stream of the completions or the chat API (server-sent events that end in `[DONE]`), of Ollama's own API
 * (a JSON text a line), or the whole answer of a server that does not stream.
 *
 * @param contentType the media type of the answer
 * @param onProgress told at every event
 */
export function createGenerationReader(contentType: string, onProgress: () => void): GenerationReader {
  let text = '';
  let refusal = '';
  let finishReason: string | undefined;
  let done = false;

  function take(json: string): void {
    onProgress();
    const chunk = membersOf(parseChunk(json));
    if (chunk.error !== undefined && chunk.error !== null) throw streamError(chunk.error);
    // Of Ollama: {message: {content}, done, done_reason}.
    const { message, done: isLast, done_reason: doneReason } = chunk;
    const choice = membersOf(itemsOf(chunk.choices)[0]);
    const piece = membersOf(choice.delta ?? choice.message ?? message);
    text += textOf(piece.content) + textOf(choice.text);
    refusal += textOf(piece.refusal);
    const reason = choice.finish_reason ?? (isLast === true ? (doneReason ?? 'stop') : undefined);
    if (typeof reason === 'string') finishReason = reason;
  }

  const read = readerOf(contentType, take, () => {
    done = true;
  });
  return {
    push: read.push,
    end() {
      read.end();
      if (!done && finishReason === undefined) {
        throw new SkillgateError(
          'upstream_error',
          "The model server's stream ended in the middle of the answer.",
        );
      }
      return { text, finishReason, refusal };
    },
  };
}

interface ChunkReader {
  push(piece: Buffer): void;
  end(): void;
}

function readerOf(contentType: string, onChunk: (json: string) => void, onDone: () => void): ChunkReader {
  if (contentType.includes('ndjson')) {
    return createLineReader((line) => {
      if (line.trim() !== '') onChunk(line);
    });
  }
  if (contentType.includes('application/json')) {
    const pieces: Buffer[] = [];
    return { push: (piece) => void pieces.push(piece), end: () => onChunk(Buffer.concat(pieces).toString()) };
  }
  const push = createEventParser(({ type, data }) => {
    if (data.trim() === '[DONE]') onDone();
    else if (type === 'error') throw streamError(errorIn(data));
    else onChunk(data);
  });
  return { push, end: () => undefined };
}

function parseChunk(json: string): JsonValue {
  try {
    return parseModelJson(json);
  } catch (cause) {
    throw new SkillgateError('upstream_error', "A piece of the model server's stream is not JSON.", {
      cause,
    });
  }
}

/** The error of an `error` event, whose data is JSON or text. */
function errorIn(data: string): JsonValue {
  try {
    const value = parseModelJson(data);
    return membersOf(value).error ?? value;
  } catch {
    // Not JSON: then the text is the message.
    return data;
  }
}

/** An error that came after a 200. */
function streamError(error: JsonValue): SkillgateError {
  const message = onOneLine(messageIn(error) ?? '');
  const { code } = membersOf(error);
  const status = typeof code === 'number' && code >= 400 && code < 600 ? code : undefined;
  return new SkillgateError(
    'upstream_error',
    `The model server failed in the middle of its answer${message === undefined ? '.' : `: ${message}`}`,
    status === undefined ? {} : { upstreamStatus: status },
  );
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
