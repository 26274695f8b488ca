import type { Caller } from './caller.ts';
import type { SkillgateError } from './errors.ts';
import type { JsonValue } from './json.ts';

/** The entrypoint through which a call came. */
export type Source = 'rest' | 'batch' | 'mcp' | 'job' | 'warmup' | 'cli';

/** What a caller may say about the cache (RFC 9111, section 5.2.1). */
export type CacheDirective = 'default' | 'no-cache' | 'no-store';

/** One call of a skill, as every entrypoint makes it. */
export interface Invocation {
  /** The name of the skill. */
  readonly skill: string;
  readonly input: JsonValue;
  readonly caller: Caller;
  readonly source: Source;
  readonly requestId: string;
  /** The caller's `traceparent` (W3C Trace Context); where it has none, or a broken one, a trace begins here. */
  readonly traceparent?: string | undefined;
  readonly cacheDirective: CacheDirective;
  /** Aborts when the caller leaves. */
  readonly signal: AbortSignal;
}

/**
 * How the cache took part, in the words of RFC 9211: it answered, it had nothing, the caller asked for a fresh answer,
 * or it was not asked at all.
 */
export type CacheOutcome = 'hit' | 'miss' | 'request' | 'bypass';

/** What happened on the way, for headers, logs and metrics. Written by the policies as the call passes. */
export interface CallReport {
  cache: CacheOutcome;
  /** Whether the answer is that of an equal call, which was already under way. */
  collapsed: boolean;
  /** Attempts on the model server. */
  attempts: number;
  /** Time the attempts took together, in milliseconds. */
  upstreamMs: number;
}

/** An answer that fits the output schema, as the JSON text that is stored and sent. */
export interface Answer {
  readonly json: string;
  /** How long it may be kept, in milliseconds, where it has been kept somewhere for a while already. */
  readonly remainingMs?: number;
}

/** What the invoker gives back to an entrypoint. */
export interface Reply extends Answer {
  readonly report: Readonly<CallReport>;
}

/** The one way in. */
export interface SkillInvoker {
  /**
   * Runs a skill.
   *
   * @throws SkillgateError with a code of the error table, and nothing else
   */
  invoke(invocation: Invocation): Promise<Reply>;

  /**
   * Finds what would refuse a call before anything is asked of the model, without making it.
   *
   * @returns the version of the skill that would run
   * @throws SkillgateError `skill_not_found`, `forbidden` or `invalid_input`
   */
  check(invocation: Invocation): Promise<string>;

  /**
   * Runs a skill on several inputs, side by side within its concurrency limit. A bad input spoils only its own place.
   *
   * @returns in the order of the inputs
   * @throws SkillgateError where no input could be answered: `skill_not_found`, `forbidden`, or the signal's reason
   */
  invokeEach(
    invocation: Omit<Invocation, 'input'>,
    inputs: readonly JsonValue[],
  ): Promise<readonly (Reply | SkillgateError)[]>;
}
