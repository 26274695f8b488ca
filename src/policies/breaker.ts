import { SkillgateError } from '../contracts/errors.ts';
import type { CircuitState } from '../contracts/meter.ts';
import type { Handler } from '../contracts/pipeline.ts';

export interface BreakerOptions {
  /** Failures in a row that open the circuit. */
  readonly failures: number;
  /** How long the circuit stays open before one call probes, in milliseconds. */
  readonly resetMs: number;
}

/** A circuit breaker: its policy, and its state. */
export interface Breaker {
  readonly policy: <Result, Input>(next: Handler<Result, Input>) => Handler<Result, Input>;
  readonly state: CircuitState;
}

/**
 * Leaves a model server alone that failed too often in a row: calls get `circuit_open` at once. After a while one
 * call probes (half-open); its success closes the circuit, its failure opens it again. (Nygard, Release It!, 2007.)
 */
export function createBreaker({ failures, resetMs }: BreakerOptions): Breaker {
  let state: CircuitState = 'closed';
  let failuresInARow = 0;
  let openedAt = 0;

  /** Lets a call pass, or throws. Tells whether this call is the one that probes. */
  function admit(): boolean {
    if (state === 'closed') return false;
    const waitMs = openedAt + resetMs - performance.now();
    if (state === 'half_open' || waitMs > 0) {
      throw new SkillgateError('circuit_open', `The model server failed ${failuresInARow} times in a row.`, {
        retryAfterMs: Math.max(waitMs, 0),
        mayHaveRun: false,
      });
    }
    state = 'half_open';
    return true;
  }

  function settle(verdict: Verdict, isProbe: boolean): void {
    // What a call finds that left before the circuit opened is old news: only the probe decides then.
    if (state !== 'closed' && !isProbe) return;
    if (verdict === 'healthy') {
      state = 'closed';
      failuresInARow = 0;
    } else if (verdict === 'failing') {
      failuresInARow += 1;
      if (isProbe || failuresInARow >= failures) {
        state = 'open';
        openedAt = performance.now();
      }
    } else if (isProbe) {
      // Called off before it could tell: the next call probes.
      state = 'open';
    }
  }

  return {
    policy: (next) => async (call) => {
      const isProbe = admit();
      try {
        const output = await next(call);
        settle('healthy', isProbe);
        return output;
      } catch (error) {
        settle(verdictOf(error, call.signal), isProbe);
        throw error;
      }
    },
    get state() {
      return state;
    },
  };
}

/** What a call's end says about the server. */
type Verdict = 'healthy' | 'failing' | 'unknown';

/** A refusal (4xx), a full queue and a loading model are a working server's; a call that was called off says nothing. */
function verdictOf(error: unknown, signal: AbortSignal): Verdict {
  if (!(error instanceof SkillgateError)) return 'unknown';
  if (error.code === 'upstream_timeout') return 'failing';
  if (signal.aborted) return 'unknown';
  if (error.code !== 'upstream_error') return 'healthy';
  return error.upstreamStatus === undefined || error.upstreamStatus >= 500 ? 'failing' : 'healthy';
}
