import type { Attempt, RowResult } from '../../contracts/adapter.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json.ts';
import { membersOf } from '../shared/json-object.ts';
import { eachRow } from '../shared/rows.ts';
import { readJsonAnswer } from '../shared/upstream-answer.ts';
import type { CallParts } from './call-parts.ts';
import { embeddedProperty, embeddingsRequest, readEmbeddings, readVectors } from './embeddings.ts';
import { readRanking, rerankRequest } from './rerank.ts';

/** The call of an API that measures texts and writes none: embeddings, rerank. */
export interface VectorCall {
  infer(attempt: Attempt): Promise<JsonValue>;
  /** Embeds the texts of several inputs in one request. */
  inferBatch(attempt: Attempt<readonly JsonValue[]>): Promise<readonly RowResult[]>;
}

export function createVectorCall(parts: CallParts): VectorCall {
  const { definition, options, mapping, transport, url, headersOf } = parts;
  const { model } = definition.endpoint;
  const property = embeddedProperty(definition.input_schema, options.input_name) ?? '';

  function ownRequest(input: JsonValue): JsonObject {
    return options.api === 'rerank'
      ? rerankRequest(input, options.rerank_api ?? 'jina')
      : embeddingsRequest(input, property);
  }

  async function ask(members: JsonObject, attempt: Attempt<unknown>): Promise<JsonValue> {
    const body = { ...(model !== undefined && { model }), ...options.parameters, ...members };
    const response = await transport.exchange({
      method: 'POST',
      url,
      headers: headersOf(attempt),
      body: JSON.stringify(body),
      signal: attempt.signal,
      onSent: () => attempt.sent(),
      onProgress: () => attempt.progressed(),
    });
    return readJsonAnswer(response);
  }

  async function infer(attempt: Attempt): Promise<JsonValue> {
    const { input } = attempt;
    const request = mapping.request ? await mapping.request(input) : ownRequest(input);
    const members: JsonObject = isJsonObject(request) ? request : { input: request };
    const answer = await ask(members, attempt);
    if (mapping.response) return mapping.response(answer, input);
    return options.api === 'rerank' ? readRanking(answer, input) : readEmbeddings(answer, members.input);
  }

  return {
    infer,
    async inferBatch(attempt) {
      const values = attempt.input.map((input) => membersOf(input)[property]);
      // What is no text may be one as well: a list of tokens. It cannot stand among others.
      if (values.length === 1 || !values.every(isTextOrTexts)) {
        return eachRow(attempt.input, (input) => infer({ ...withoutInput(attempt), input }));
      }
      const texts = values.flat();
      const vectors = readVectors(await ask({ input: texts }, attempt), texts.length);
      let at = 0;
      return values.map((value) => {
        const count = Array.isArray(value) ? value.length : 1;
        at += count;
        const own = vectors.slice(at - count, at);
        return Array.isArray(value) ? { embeddings: own } : { embedding: own[0] ?? [] };
      });
    },
  };
}

function isTextOrTexts(value: JsonValue | undefined): value is string | string[] {
  return (
    typeof value === 'string' || (Array.isArray(value) && value.every((text) => typeof text === 'string'))
  );
}

/** The attempt of a batch, for one of its rows: a class may stand behind it, whose members a spread would lose. */
function withoutInput(attempt: Attempt<unknown>): Omit<Attempt, 'input'> {
  const { requestId, traceparent, signal } = attempt;
  return {
    requestId,
    traceparent,
    signal,
    sent: () => attempt.sent(),
    progressed: () => attempt.progressed(),
  };
}
