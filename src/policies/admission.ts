import { SkillgateError } from '../contracts/errors.ts';
import type { Admission } from '../contracts/pipeline.ts';
import { waitForTurn } from '../lib/turn.ts';

export interface AdmissionOptions {
  /** Calls that may be in flight to the model. */
  readonly max: number;
  /** Calls that may wait for a place. */
  readonly queue: number;
  /** How long a call may wait for a place, in milliseconds. */
  readonly queueMs: number;
}

/** How much the latest call's duration counts in the running mean that predicts waiting times. */
const smoothing = 0.1;

/**
 * Keeps the calls in flight to one model within a limit. Others wait in the order in which they came; who finds the
 * queue full, or waits too long, is turned away with `overloaded` and the time in which the queue should have moved.
 * A caller who leaves the queue frees its place at once.
 */
export function createAdmission({ max, queue, queueMs }: AdmissionOptions): Admission {
  const waiting = new Set<() => void>();
  let inFlight = 0;
  let meanMs = 0;

  function enter(signal: AbortSignal): Promise<void> {
    if (waiting.size >= queue) throw overloaded(`${max} calls are in flight and ${queue} wait`);
    return waitForTurn(waiting, {
      signal,
      ms: queueMs,
      tooLate: () => overloaded(`no place within ${queueMs} ms`),
    });
  }

  function leave(startedAt: number): void {
    meanMs += smoothing * (performance.now() - startedAt - meanMs);
    const [admit] = waiting;
    // The place goes straight to the next in line, so that nobody overtakes it.
    if (admit) admit();
    else inFlight -= 1;
  }

  function overloaded(reason: string): SkillgateError {
    return new SkillgateError('overloaded', `The model is busy: ${reason}.`, {
      retryAfterMs: ((waiting.size + 1) / max) * meanMs,
      mayHaveRun: false,
    });
  }

  return {
    policy: (next) => async (call) => {
      call.signal.throwIfAborted();
      if (inFlight < max) inFlight += 1;
      else await enter(call.signal);
      const startedAt = performance.now();
      try {
        return await next(call);
      } finally {
        leave(startedAt);
      }
    },
    get inFlight() {
      return inFlight;
    },
    get queued() {
      return waiting.size;
    },
  };
}
