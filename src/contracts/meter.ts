import type { ErrorCode } from './errors.ts';
import type { Source } from './invocation.ts';

/** `ok`, or how an attempt failed. */
export type AttemptOutcome = 'ok' | 'error' | 'timeout' | 'cancelled';

/** Where an answer was looked for: in this process, or where all gateways look. */
export type CacheLevel = 'memory' | 'redis';

/** The counters of one skill. Every method is cheap: it runs on the call's path. */
export interface SkillMeter {
  invocation(source: Source, code: ErrorCode | 'ok', seconds: number): void;
  attempt(outcome: AttemptOutcome, seconds: number): void;
  /** A batch was sent. */
  batch(size: number): void;
  cacheRequest(level: CacheLevel, result: 'hit' | 'miss'): void;
}

/** The state of a circuit breaker. */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** What a skill is doing at this moment, read when somebody looks. */
export interface SkillGauges {
  readonly inFlight: number;
  readonly queued: number;
  readonly circuit: CircuitState;
}
