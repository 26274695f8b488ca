import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonObject, JsonSchema, JsonValue } from '../../contracts/json.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';

const usualNames = ['text', 'texts', 'input'];

/** The property of the input that holds what is to be embedded; undefined where the schema leaves it open. */
export function embeddedProperty(inputSchema: JsonSchema, chosen: string | undefined): string | undefined {
  const names = Object.keys(membersOf(inputSchema.properties));
  if (chosen !== undefined) return chosen;
  return names.length === 1 ? names[0] : usualNames.find((name) => names.includes(name));
}

/** Makes the body of a request for embeddings. */
export function embeddingsRequest(input: JsonValue, property: string): JsonObject {
  return { input: membersOf(input)[property] ?? null };
}

/**
 * Makes the output of an answer: `{embedding}` for a text, `{embeddings}` for a list of them, in its order.
 *
 * @param embedded what was sent
 * @throws SkillgateError as `readVectors`
 */
export function readEmbeddings(body: JsonValue, embedded: JsonValue | undefined): JsonObject {
  if (Array.isArray(embedded)) return { embeddings: readVectors(body, embedded.length) };
  return { embedding: readVectors(body, 1)[0] ?? [] };
}

/**
 * Reads the vectors of so many texts, in their order.
 *
 * @throws SkillgateError `upstream_error` where the answer has not one vector for each text, `invalid_output` for
 *   what is no number: servers write NaN as null
 */
export function readVectors(body: JsonValue, count: number): number[][] {
  const entries = itemsOf(membersOf(body).data).map(membersOf);
  const vectors = new Array<JsonValue | undefined>(count).fill(undefined);
  for (const [place, { index, embedding }] of entries.entries()) {
    vectors[typeof index === 'number' ? index : place] = embedding;
  }
  if (entries.length !== count || vectors.length !== count) {
    throw new SkillgateError(
      'upstream_error',
      `The model server's answer has ${entries.length} embeddings for ${count} texts.`,
    );
  }
  return vectors.map(readVector);
}

/** A vector is a list of numbers, or base64 of little-endian float32 where the server chose that. */
function readVector(vector: JsonValue | undefined): number[] {
  if (typeof vector === 'string') {
    const bytes = Buffer.from(vector, 'base64');
    return Array.from({ length: Math.floor(bytes.length / 4) }, (_, index) => bytes.readFloatLE(index * 4));
  }
  if (!Array.isArray(vector) || vector.length === 0) {
    throw new SkillgateError(
      'upstream_error',
      "The model server's answer has no list of numbers where an embedding is due.",
    );
  }
  return vector.map((value) => {
    if (typeof value === 'number') return value;
    throw new SkillgateError(
      'invalid_output',
      `The model gave an embedding with ${JSON.stringify(value)} in it.`,
    );
  });
}
