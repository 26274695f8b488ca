import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';

/**
 * Makes the body of a request that sorts `documents` by how well they answer `query`.
 *
 * @param api `jina` is what vLLM, llama.cpp and most others take; `tei` is Text Embeddings Inference
 */
export function rerankRequest(input: JsonValue, api: 'jina' | 'tei'): JsonObject {
  const { query = null, documents = null, top_n: top } = membersOf(input);
  if (api === 'tei') return { query, texts: documents };
  return { query, documents, ...(top !== undefined && { top_n: top }) };
}

/**
 * Makes the output of an answer: `{results: [{index, score, document}]}`, the best first, at most `top_n`.
 *
 * @throws SkillgateError `upstream_error` where the answer is not of the protocol, `invalid_output` for a score that
 *   is no number
 */
export function readRanking(body: JsonValue, input: JsonValue): JsonObject {
  const { documents, top_n: top } = membersOf(input);
  const results = Array.isArray(body) ? body : membersOf(body).results;
  if (!Array.isArray(results)) {
    throw new SkillgateError('upstream_error', "The model server's answer has no list of results.");
  }
  const ranked = results.map((result) => {
    const { index, score = membersOf(result).relevance_score } = membersOf(result);
    const document = typeof index === 'number' ? itemsOf(documents)[index] : undefined;
    if (typeof index !== 'number' || document === undefined) {
      throw new SkillgateError(
        'upstream_error',
        "The model server's answer ranks a document that it was not given.",
      );
    }
    if (typeof score !== 'number' || Number.isNaN(score)) {
      throw new SkillgateError(
        'invalid_output',
        `The model gave ${JSON.stringify(score ?? null)} as a score.`,
      );
    }
    return { index, score, document: isJsonObject(document) ? { ...document } : document };
  });
  ranked.sort((left, right) => right.score - left.score);
  return { results: typeof top === 'number' ? ranked.slice(0, top) : ranked };
}
