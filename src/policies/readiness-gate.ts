import { SkillgateError } from '../contracts/errors.ts';
import type { OutputPolicy } from '../contracts/pipeline.ts';
import type { ModelLoader, Readiness, ReadinessView } from '../contracts/readiness.ts';
import { patiently, wait } from '../lib/abort.ts';

export interface ReadinessGateOptions {
  readonly readiness: ReadinessView;
  /** How long a call waits for a model that is not ready, in milliseconds; 0 turns it away at once. */
  readonly waitMs: number;
  /** Loads a model that its server has not loaded, where the definition wants that. */
  readonly loader?: ModelLoader | undefined;
}

/** How often a call that waits for a load looks whether it was undone, in milliseconds. */
const recheckMs = 500;

/**
 * Turns calls away while the model is known not to be ready (`model_not_ready`), or holds them back until it is, and has
 * it loaded where it is not. A model whose server cannot be reached, or that was not probed yet, is tried: the call
 * itself will tell.
 */
export function readinessGate({ readiness, waitMs, loader }: ReadinessGateOptions): OutputPolicy {
  /** When the last load ended well, and what the last probe had found then. */
  let loadedAt = Number.NEGATIVE_INFINITY;
  let loadedIn: Readiness | undefined;

  function tooLate(): SkillgateError {
    if (blocks(readiness.current)) return notReady(readiness);
    return new SkillgateError('model_not_ready', `The model was not loaded within ${waitMs} ms.`, {
      retryAfterMs: readiness.nextProbeMs,
      mayHaveRun: false,
    });
  }

  async function load(signal: AbortSignal): Promise<void> {
    await loader?.load(signal);
    loadedAt = performance.now();
    loadedIn = readiness.current;
    readiness.suspect();
  }

  async function untilReady(signal: AbortSignal): Promise<void> {
    while (blocks(readiness.current)) {
      const isUnloaded = readiness.current?.state === 'not_ready' && readiness.current !== loadedIn;
      if (!loader) await readiness.changed(signal);
      else if (isUnloaded) await load(signal);
      // A probe that finds the model unloaded once more is no change of the state.
      else await Promise.race([readiness.changed(signal), wait(recheckMs, signal)]);
    }
  }

  return (next) => async (call) => {
    if (blocks(readiness.current)) {
      if (waitMs === 0) throw notReady(readiness);
      await patiently(untilReady, { signal: call.signal, ms: waitMs, tooLate });
    }
    const sentAt = performance.now();
    try {
      return await next(call);
    } catch (error) {
      if (!(error instanceof SkillgateError) || !tellsOfTheModel(error)) throw error;
      readiness.suspect();
      // The server has unloaded the model since the last probe.
      if (!loader || error.code !== 'model_not_ready') throw error;
      if (loadedAt < sentAt) await patiently(load, { signal: call.signal, ms: waitMs, tooLate });
      return next(call);
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
