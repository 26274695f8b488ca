import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json.ts';
import { bestScore } from './best-score.ts';
import type { Options } from './options.ts';

/**
 * Makes a skill's output out of an answer (TensorFlow Serving, RESTful API: response format).
 *
 * Several named outputs are the output as they are; a bare value gets a name; scores with labels become
 * `{prediction, confidence}`.
 *
 * @throws SkillgateError `upstream_error` where the answer is not of the protocol
 */
export function readAnswer(body: JsonValue, options: Options): JsonValue {
  const { method, format } = options;
  if (method === 'classify') return best(firstOf(body, ['result', 'results']), options);
  if (method === 'regress') return named(firstOf(body, ['result', 'results']), options);
  const value = unwrapBytes(format === 'row' ? firstOf(body, ['predictions']) : memberOf(body, ['outputs']));
  return named(value, options);
}

/** The first of the rows that one of these members holds: one example was sent. */
function firstOf(body: JsonValue, names: readonly string[]): JsonValue {
  const rows = memberOf(body, names);
  const first = Array.isArray(rows) ? rows[0] : undefined;
  if (first === undefined) throw notOfProtocol(`has no row in ${names.join(' or ')}`);
  return first;
}

function memberOf(body: JsonValue, names: readonly string[]): JsonValue {
  const found = isJsonObject(body)
    ? names.map((name) => body[name]).find((value) => value !== undefined)
    : undefined;
  if (found === undefined) throw notOfProtocol(`has no ${names.join(' or ')}`);
  return found;
}

function named(value: JsonValue, { outputName, labels }: Options): JsonValue {
  const selected = isJsonObject(value) && outputName !== undefined ? value[outputName] : value;
  if (selected === undefined) throw notOfProtocol(`has no output named ${outputName}`);
  if (labels !== undefined) return labelled(selected, labels);
  return isJsonObject(selected) ? selected : { [outputName ?? 'prediction']: selected };
}

function labelled(value: JsonValue, labels: readonly string[]): JsonObject {
  const scores = scoresIn(value);
  // A sigmoid says how likely the second class is.
  const [only] = scores;
  const all = scores.length === 1 && only !== undefined && labels.length === 2 ? [1 - only, only] : scores;
  if (all.length !== labels.length) {
    throw notOfProtocol(`has ${all.length} scores for the ${labels.length} names in options.labels`);
  }
  const { index, score } = bestScore(all);
  return { prediction: labels[index] ?? '', confidence: score };
}

/** The numbers of one example, out of as many batch dimensions of one as there are around them. */
function scoresIn(value: JsonValue): number[] {
  if (typeof value === 'number') return [value];
  if (Array.isArray(value)) {
    if (value.length === 1 && Array.isArray(value[0])) return scoresIn(value[0]);
    if (value.every((score) => typeof score === 'number')) return value;
  }
  throw notOfProtocol(
    isJsonObject(value)
      ? 'has several outputs, and options.output_name has to say which one options.labels is for'
      : 'has no list of scores for options.labels',
  );
}

/** Reads the `[[label, score], …]` of one classified example; a model without labels writes empty ones. */
function best(pairs: JsonValue, { labels }: Options): JsonObject {
  if (!Array.isArray(pairs)) throw notOfProtocol('has no list of classes');
  const scores = pairs.map((pair) =>
    Array.isArray(pair) && typeof pair[1] === 'number' ? pair[1] : undefined,
  );
  if (scores.length === 0 || !scores.every((score) => score !== undefined)) {
    throw notOfProtocol('has no list of classes with scores');
  }
  const { index, score } = bestScore(scores);
  const pair = pairs[index];
  const label = Array.isArray(pair) ? pair[0] : undefined;
  const name = typeof label === 'string' && label !== '' ? label : labels?.[index];
  return { prediction: name ?? String(index), confidence: score };
}

/** Takes base64 out of the `{"b64": …}` in which outputs named `*_bytes` come. */
function unwrapBytes(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.some(isNested) ? value.map(unwrapBytes) : value;
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value);
  const [first] = entries;
  if (entries.length === 1 && first?.[0] === 'b64' && typeof first[1] === 'string') return first[1];
  return Object.fromEntries(entries.map(([name, member]) => [name, unwrapBytes(member)]));
}

function isNested(value: JsonValue): boolean {
  return typeof value === 'object' && value !== null;
}

function notOfProtocol(what: string): SkillgateError {
  return new SkillgateError('upstream_error', `The model server's answer ${what}.`);
}
