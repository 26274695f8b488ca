import type { Attempt } from '../../contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../contracts/json.ts';
import { isObject } from '../shared/json-object.ts';
import { readJsonAnswer } from '../shared/upstream-answer.ts';
import type { CallParts } from './call-parts.ts';
import { embeddedProperty, embeddingsRequest, readEmbeddings } from './embeddings.ts';
import { readRanking, rerankRequest } from './rerank.ts';

/** Makes the call of an API that measures texts and writes none: embeddings, rerank. */
export function createVectorCall(parts: CallParts): (attempt: Attempt) => Promise<JsonValue> {
  const { definition, options, mapping, transport, url, headersOf } = parts;
  const { model } = definition.endpoint;
  const property = embeddedProperty(definition.input_schema, options.input_name) ?? '';

  function ownRequest(input: JsonValue): JsonObject {
    return options.api === 'rerank'
      ? rerankRequest(input, options.rerank_api ?? 'jina')
      : embeddingsRequest(input, property);
  }

  return async (attempt) => {
    const { input } = attempt;
    const request = mapping.request ? await mapping.request(input) : ownRequest(input);
    const members: JsonObject = isObject(request) ? request : { input: request };
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
    const answer = readJsonAnswer(response);
    if (mapping.response) return mapping.response(answer, input);
    return options.api === 'rerank' ? readRanking(answer, input) : readEmbeddings(answer, members.input);
  };
}
