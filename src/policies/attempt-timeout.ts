import type { Attempt } from '../contracts/adapter.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { Call, Handler } from '../contracts/pipeline.ts';
import { linkedController } from '../lib/abort.ts';

export interface AttemptTimeoutOptions {
  /** From the request sent to the first byte of the answer, in milliseconds. */
  readonly firstByteMs: number;
  /** Between two pieces of the answer, in milliseconds. */
  readonly betweenBytesMs: number;
}

/**
 * The last policy: makes a call one attempt of the adapter, and aborts it with `upstream_timeout` when the first
 * byte or the next one is too long in coming. Connecting is bounded by the transport, which alone can tell when a
 * connection is new.
 */
export function attemptTimeout(
  limits: AttemptTimeoutOptions,
): <Result, Input>(infer: (attempt: Attempt<Input>) => Promise<Result>) => Handler<Result, Input> {
  return (infer) => async (call) => {
    const { controller, unlink } = linkedController(call.signal);
    const attempt = new TimedAttempt(call, controller, limits);
    try {
      return await infer(attempt);
    } finally {
      attempt.end();
      unlink();
    }
  };
}

class TimedAttempt<Input> implements Attempt<Input> {
  readonly input: Input;
  readonly requestId: string;
  readonly traceparent: string;
  readonly signal: AbortSignal;
  readonly #controller: AbortController;
  readonly #limits: AttemptTimeoutOptions;
  #betweenBytes = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(call: Call<Input>, controller: AbortController, limits: AttemptTimeoutOptions) {
    this.input = call.input;
    this.requestId = call.requestId;
    this.traceparent = call.traceparent;
    this.signal = controller.signal;
    this.#controller = controller;
    this.#limits = limits;
  }

  sent(): void {
    this.#betweenBytes = false;
    this.#arm(this.#limits.firstByteMs, 'first byte', 'first_byte_ms');
  }

  progressed(): void {
    if (this.#betweenBytes && this.#timer) {
      this.#timer.refresh();
      return;
    }
    this.#betweenBytes = true;
    this.#arm(this.#limits.betweenBytesMs, 'next byte', 'between_bytes_ms');
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #arm(ms: number, what: string, limit: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#controller.abort(
        new SkillgateError(
          'upstream_timeout',
          `The model server sent no ${what} within ${ms} ms (${limit}).`,
        ),
      );
    }, ms);
  }
}
