import type { Attempt } from '../contracts/adapter.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { Call, Handler } from '../contracts/pipeline.ts';
import { traceparentOf } from '../lib/trace-context.ts';

export interface AttemptTimeoutOptions {
  /** From the request sent to the first byte of the answer, in milliseconds. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer, in milliseconds. */
  readonly betweenBytesMs: number;
}

/**
 * The last policy: makes a call one attempt of the adapter, and aborts it with `upstream_timeout` when the first
 * byte or the next one is too long in coming, or when the call's deadline passes. Connecting is bounded by the
 * transport, which alone can tell when a connection is new.
 */
export function attemptTimeout(
  limits: AttemptTimeoutOptions,
): <Result, Input>(infer: (attempt: Attempt<Input>) => Promise<Result>) => Handler<Result, Input> {
  return (infer) => async (call) => {
    const attempt = new TimedAttempt(call, limits);
    try {
      return await infer(attempt);
    } finally {
      attempt.end();
    }
  };
}

/** What an attempt waits for. */
type Awaited = 'connection' | 'first byte' | 'next byte';

/**
 * An attempt with one timer, which is seldom set anew: an answer that comes in time moves a time stamp, and when the
 * timer fires it looks how much time is left.
 */
class TimedAttempt<Input> implements Attempt<Input> {
  readonly input: Input;
  readonly requestId: string;
  readonly traceparent: string;
  readonly signal: AbortSignal;
  readonly #callSignal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #limits: AttemptTimeoutOptions;
  readonly #deadlineAt: number;
  #awaited: Awaited = 'connection';
  /** When what is awaited has to be there, on the clock of `performance.now()`. */
  #dueAt = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #firesAt = Number.POSITIVE_INFINITY;
  /** No `handleEvent`: what Node makes of such a listener lives until the next full garbage collection (decision 0021). */
  readonly #onAbort = () => this.#controller.abort(this.#callSignal.reason);

  constructor(call: Call<Input>, limits: AttemptTimeoutOptions) {
    this.input = call.input;
    this.requestId = call.requestId;
    this.traceparent = traceparentOf(call.traceparent, call.requestId);
    this.signal = this.#controller.signal;
    this.#callSignal = call.signal;
    this.#limits = limits;
    this.#deadlineAt = call.deadlineAt ?? Number.POSITIVE_INFINITY;
    const now = performance.now();
    // The shortest limit there can be, so that those that follow need no other timer.
    const firstLook = now + Math.min(limits.firstByteMs, limits.betweenBytesMs);
    this.#fireAt(Math.min(firstLook, this.#deadlineAt), now);
    if (call.signal.aborted) this.#onAbort();
    else call.signal.addEventListener('abort', this.#onAbort);
  }

  sent(): void {
    this.#await('first byte', this.#limits.firstByteMs);
  }

  progressed(): void {
    this.#await('next byte', this.#limits.betweenBytesMs);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#callSignal.removeEventListener('abort', this.#onAbort);
  }

  #await(awaited: Awaited, ms: number): void {
    const now = performance.now();
    this.#awaited = awaited;
    this.#dueAt = now + ms;
    if (this.#dueAt < this.#firesAt) this.#fireAt(this.#dueAt, now);
  }

  #fireAt(at: number, now: number): void {
    clearTimeout(this.#timer);
    this.#firesAt = at;
    this.#timer = setTimeout(() => this.#look(), at - now);
  }

  #look(): void {
    const now = performance.now();
    const at = Math.min(this.#dueAt, this.#deadlineAt);
    // Timers count whole milliseconds, and may be a fraction early.
    if (at - now >= 1) this.#fireAt(at, now);
    else this.#controller.abort(this.#deadlineAt <= this.#dueAt ? this.#tooLate() : this.#tooSlow());
  }

  #tooSlow(): SkillgateError {
    const [ms, limit] =
      this.#awaited === 'first byte'
        ? [this.#limits.firstByteMs, 'first_byte_ms']
        : [this.#limits.betweenBytesMs, 'between_bytes_ms'];
    return new SkillgateError(
      'upstream_timeout',
      `The model server sent no ${this.#awaited} within ${ms} ms (${limit}).`,
    );
  }

  #tooLate(): SkillgateError {
    return new SkillgateError(
      'upstream_timeout',
      `The time for all attempts was over (total_ms) while the gateway waited for the ${this.#awaited}.`,
      { retryable: false },
    );
  }
}
