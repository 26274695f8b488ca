import { SkillgateError } from '../contracts/errors.ts';
import type { AttemptOutcome, SkillMeter } from '../contracts/meter.ts';
import type { Policy } from '../contracts/pipeline.ts';

/** Counts every attempt with its outcome, and the time that it took. */
export function measureAttempt<Result, Input>(meter: Pick<SkillMeter, 'attempt'>): Policy<Result, Input> {
  return (next) => async (call) => {
    const startedAt = performance.now();
    let outcome: AttemptOutcome = 'ok';
    try {
      return await next(call);
    } catch (error) {
      outcome = outcomeOf(error, call.signal);
      throw error;
    } finally {
      const ms = performance.now() - startedAt;
      call.report.attempts += 1;
      call.report.upstreamMs += ms;
      meter.attempt(outcome, ms / 1000);
    }
  };
}

function outcomeOf(error: unknown, signal: AbortSignal): AttemptOutcome {
  if (error instanceof SkillgateError && error.code === 'upstream_timeout') return 'timeout';
  return signal.aborted ? 'cancelled' : 'error';
}
