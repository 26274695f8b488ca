import { SkillgateError } from '../contracts/errors.ts';
import type { OutputPolicy } from '../contracts/pipeline.ts';
import type { Readiness, ReadinessView } from '../contracts/readiness.ts';
import { linkedController } from '../lib/abort.ts';

export interface ReadinessGateOptions {
  readonly readiness: ReadinessView;
  /** How long a call waits for a model that is not ready, in milliseconds; 0 turns it away at once. */
  readonly waitMs: number;
}

/**
 * Turns calls away while the model is known not to be ready (`model_not_ready`), or holds them back until it is.
 * A model whose server cannot be reached, or that was not probed yet, is tried: the call itself will tell.
 */
export function readinessGate({ readiness, waitMs }: ReadinessGateOptions): OutputPolicy {
  async function untilReady(signal: AbortSignal): Promise<void> {
    const { controller, unlink } = linkedController(signal);
    const timer = setTimeout(() => controller.abort(notReady(readiness)), waitMs);
    try {
      while (blocks(readiness.current)) await readiness.changed(controller.signal);
    } finally {
      clearTimeout(timer);
      unlink();
    }
  }

  return (next) => async (call) => {
    if (blocks(readiness.current)) {
      if (waitMs === 0) throw notReady(readiness);
      await untilReady(call.signal);
    }
    try {
      return await next(call);
    } catch (error) {
      if (error instanceof SkillgateError && tellsOfTheModel(error)) readiness.suspect();
      throw error;
    }
  };
}

function blocks(readiness: Readiness | undefined): boolean {
  return readiness !== undefined && readiness.state !== 'ready' && readiness.state !== 'unreachable';
}

/** Whether the error is a reason to look at the model again now. */
function tellsOfTheModel(error: SkillgateError): boolean {
  return error.code === 'model_not_ready' || (error.code === 'upstream_error' && !error.mayHaveRun);
}

function notReady(readiness: ReadinessView): SkillgateError {
  const { state, reason } = readiness.current ?? { state: 'not_ready', reason: 'not probed yet' };
  return new SkillgateError('model_not_ready', `The model is ${state.replaceAll('_', ' ')}: ${reason}`, {
    retryAfterMs: readiness.nextProbeMs,
    mayHaveRun: false,
  });
}
