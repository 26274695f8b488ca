import type { Caller } from './caller.ts';
import type { JsonValue } from './json.ts';

/** The entrypoint through which a call came. */
export type Source = 'rest' | 'batch' | 'warmup' | 'cli';

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
  /** W3C Trace Context `traceparent`, passed on to the model server. */
  readonly traceparent: string;
  readonly cacheDirective: CacheDirective;
  /** Aborts when the caller leaves. */
  readonly signal: AbortSignal;
}

/** Where the answer came from (RFC 9211): the store, the model, the model's answer to an equal call, no cache asked. */
export type CacheOutcome = 'hit' | 'miss' | 'collapsed' | 'bypass';

/** What happened on the way, for headers, logs and metrics. Written by the policies as the call passes. */
export interface CallReport {
  cache: CacheOutcome;
  /** Attempts on the model server. */
  attempts: number;
  /** Time the attempts took together, in milliseconds. */
  upstreamMs: number;
}

/** An answer that fits the output schema, with its JSON text written once. */
export interface Answer {
  readonly output: JsonValue;
  readonly json: string;
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
}
