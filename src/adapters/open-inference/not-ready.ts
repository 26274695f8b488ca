import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';
import { notLoaded, refusalOf } from '../shared/upstream-answer.ts';

/**
 * How servers put it that a model is not ready, behind codes that say other things. Triton: 400 `Model version not
 * ready`, 404 or 400 `Request for unknown model: 'a' has no available versions`, 503 `is not at ready state`. MLServer:
 * 400 `Model a is not ready yet.`
 */
const notReady = /\bnot ready\b|\bno available versions\b|\bnot at ready state\b/i;

/** Whether a text of a server says that the model is not ready. */
function saysNotReady(message: string): boolean {
  return notReady.test(message);
}

/** What an answer outside 2xx means for a call. A model that is not ready may be told by 400, 404 or 503. */
export function inferRefusal(response: UpstreamResponse): SkillgateError {
  const refusal = refusalOf(response);
  const mayBe = response.status === 400 || response.status === 404 || response.status === 503;
  if (!mayBe || !saysNotReady(refusal.message)) return refusal;
  return notLoaded(refusal.message, { upstreamStatus: response.status, retryAfterMs: refusal.retryAfterMs });
}

/** What an answer outside 2xx means for a request to load the model: a refusal is the model's, not the server's. */
export function loadRefusal(response: UpstreamResponse): SkillgateError {
  const refusal = inferRefusal(response);
  if (refusal.code !== 'upstream_error' || response.status >= 500) return refusal;
  return new SkillgateError('model_not_ready', refusal.message, { mayHaveRun: false, retryable: false });
}

/**
 * Finds a model in the repository index of Triton or MLServer (`RepositoryIndex`), which alone tells a model that loads
 * from one that failed to or that nobody loads. MLServer says UNKNOWN of one that loads, and `State.UNKNOWN` over gRPC.
 *
 * @returns undefined where the index does not have the model
 */
export function statusInIndex(
  index: JsonValue,
  model: string,
  version: string | undefined,
): ModelStatus | undefined {
  const entries = itemsOf(index)
    .map(membersOf)
    .filter((entry) => entry.name === model && (version === undefined || entry.version === version))
    .map(({ state, reason }) => ({ state: readState(state), reason }));
  if (entries.length === 0) return undefined;
  const has = (...wanted: string[]) => entries.some(({ state }) => wanted.includes(state));
  if (has('ready')) return { state: 'ready', reason: `The model ${model} is ready.` };
  if (has('loading', 'unknown')) return { state: 'loading', reason: `The model ${model} is loading.` };
  const [entry] = entries;
  const reason = typeof entry?.reason === 'string' && entry.reason !== '' ? `: ${entry.reason}` : '.';
  return { state: 'not_ready', reason: `The model ${model} is ${entry?.state ?? 'not loaded'}${reason}` };
}

/** An index of models that nobody has loaded yet has no states. */
function readState(state: JsonValue | undefined): string {
  const name = typeof state === 'string' ? (state.split('.').at(-1) ?? '') : '';
  return name === '' ? 'not loaded' : name.toLowerCase();
}
