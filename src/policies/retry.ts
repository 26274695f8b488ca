import { SkillgateError } from '../contracts/errors.ts';
import type { Policy } from '../contracts/pipeline.ts';
import { wait } from '../lib/abort.ts';
import { backoffMs } from '../lib/backoff.ts';

export interface RetryOptions {
  readonly maxAttempts: number;
  /** The first wait, in milliseconds. */
  readonly baseMs: number;
  /** The longest wait that the backoff chooses, in milliseconds. */
  readonly maxMs: number;
  /** Whether a call that may have run may be sent again. */
  readonly idempotent: boolean;
  /** Whether a model that is not ready is left to who loads it; false unless said otherwise. */
  readonly leavesNotReady?: boolean;
  /** Gives a number in [0, 1). */
  readonly random?: () => number;
}

/**
 * Tries again what may go better the next time, after an exponential wait with jitter or the server's own
 * Retry-After, whichever is longer. It gives up at once when the caller has left, when the wait would outlast the
 * deadline, and when a call that is not idempotent may have run.
 */
export function retry<Result, Input>({
  maxAttempts,
  baseMs,
  maxMs,
  idempotent,
  leavesNotReady = false,
  random,
}: RetryOptions): Policy<Result, Input> {
  function mayRepeat(error: unknown): error is SkillgateError {
    if (!(error instanceof SkillgateError) || !error.retryable) return false;
    if (leavesNotReady && error.code === 'model_not_ready') return false;
    return idempotent || !error.mayHaveRun;
  }

  return (next) => async (call) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await next(call);
      } catch (error) {
        if (call.signal.aborted) throw call.signal.reason;
        if (attempt >= maxAttempts || !mayRepeat(error)) throw error;
        const waitMs = Math.max(backoffMs(attempt, { baseMs, maxMs }, random), error.retryAfterMs ?? 0);
        if (call.deadlineAt !== undefined && performance.now() + waitMs >= call.deadlineAt) throw error;
        await wait(waitMs, call.signal);
      }
    }
  };
}
