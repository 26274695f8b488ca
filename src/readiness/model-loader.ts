import { SkillgateError } from '../contracts/errors.ts';
import type { ModelLoader } from '../contracts/readiness.ts';
import { unlessAborted } from '../lib/abort.ts';

export interface ModelLoaderOptions {
  /** Has the server load the model. */
  readonly load: (signal: AbortSignal) => Promise<void>;
  /** Aborts when the skill is closed. */
  readonly closed: AbortSignal;
  /** How long a load may take, in milliseconds: large models take minutes. */
  readonly timeoutMs?: number;
}

/** How long a failed load counts for those who ask for another, in milliseconds. */
const cooldownMs = 5000;
const defaultTimeoutMs = 600_000;

/**
 * Loads a model once for all who wait for it. A load goes on when they have left, since the next call wants the model
 * as well; one that failed is not repeated at once.
 */
export function createModelLoader({
  load,
  closed,
  timeoutMs = defaultTimeoutMs,
}: ModelLoaderOptions): ModelLoader {
  let loading: Promise<void> | undefined;
  let failure: { readonly error: unknown; readonly until: number } | undefined;

  function explain(cause: unknown, late: AbortSignal): unknown {
    if (closed.aborted) return unfinished('before the skill was closed', cause);
    if (late.aborted) return unfinished(`within ${timeoutMs} ms`, cause);
    if (!(cause instanceof SkillgateError) || cause.retryAfterMs !== undefined) return cause;
    const { code, message, retryable, mayHaveRun } = cause;
    return new SkillgateError(code, message, { cause, retryable, mayHaveRun, retryAfterMs: cooldownMs });
  }

  async function loadOnce(): Promise<void> {
    const late = AbortSignal.timeout(timeoutMs);
    try {
      await load(AbortSignal.any([closed, late]));
      failure = undefined;
    } catch (cause) {
      const error = explain(cause, late);
      failure = { error, until: performance.now() + cooldownMs };
      throw error;
    } finally {
      loading = undefined;
    }
  }

  return {
    load(signal) {
      if (loading === undefined && failure !== undefined && performance.now() < failure.until) {
        return Promise.reject(failure.error);
      }
      loading ??= loadOnce();
      return unlessAborted(loading, signal);
    },
  };
}

function unfinished(when: string, cause: unknown): SkillgateError {
  return new SkillgateError('model_not_ready', `The model server did not load the model ${when}.`, {
    cause,
    retryAfterMs: cooldownMs,
    mayHaveRun: false,
  });
}
