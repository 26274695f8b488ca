import { SkillgateError } from '../../contracts/errors.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { notLoaded, readJsonAnswer, refusalOf } from '../shared/upstream-answer.ts';
import { readModelStatus } from './model-status.ts';

/** How long to leave a model alone that failed to load or was unloaded: only an operator brings it back. */
const unavailableRetryAfterMs = 10_000;

/**
 * Says what a 404 means: the server answers it both for a model that it does not know and for one that is not loaded.
 *
 * @param refused the 404 of the inference
 * @param status what the status route answered when it was asked about it
 */
export function explainNotFound(refused: UpstreamResponse, status: UpstreamResponse): SkillgateError {
  if (status.status === 404) return refusalOf(status);
  if (status.status !== 200) return refusalOf(refused);
  const { state, reason } = readModelStatus(readJsonAnswer(status));
  const detail = `The model is not loaded. ${reason}`;
  if (state === 'loading') return notLoaded(detail, { upstreamStatus: 404 });
  const options = { upstreamStatus: 404, mayHaveRun: false };
  if (state === 'ready') {
    // It became available between the two questions.
    return new SkillgateError('upstream_error', refusalOf(refused).message, { ...options, retryable: true });
  }
  return new SkillgateError('model_not_ready', detail, {
    ...options,
    retryAfterMs: unavailableRetryAfterMs,
    retryable: false,
  });
}
