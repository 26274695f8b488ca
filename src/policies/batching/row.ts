import type { RowResult } from '../../contracts/adapter.ts';
import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import type { Call } from '../../contracts/pipeline.ts';

/** Rows that are under way together. */
export interface Group {
  /** How many callers still wait. */
  left: number;
  readonly controller: AbortController;
}

/** One call in a batch, or on the way to one. A class, since one is made for every call. */
export class Row {
  readonly call: Call;
  readonly waitsSince = performance.now();
  group: Group | undefined;
  settled = false;
  readonly #resolve: (output: JsonValue) => void;
  readonly #reject: (error: unknown) => void;
  readonly #leaveQueue: () => void;
  /**
   * The caller has left, or its time is over. No `handleEvent`: what Node makes of such a listener lives until the next
   * full garbage collection (decision 0021).
   */
  readonly #onAbort = () => {
    this.fail(this.call.signal.reason);
    if (this.group === undefined) {
      this.#leaveQueue();
      return;
    }
    this.group.left -= 1;
    if (this.group.left === 0) this.group.controller.abort(everyoneLeft());
  };

  constructor(
    call: Call,
    resolve: (output: JsonValue) => void,
    reject: (error: unknown) => void,
    leaveQueue: () => void,
  ) {
    this.call = call;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#leaveQueue = leaveQueue;
    call.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  settle(result: RowResult): void {
    if (result instanceof SkillgateError) {
      this.fail(result);
      return;
    }
    this.#end();
    this.#resolve(result);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.settled = true;
    this.call.signal.removeEventListener('abort', this.#onAbort);
  }
}

function everyoneLeft(): SkillgateError {
  return new SkillgateError('cancelled', 'Every caller whose row was in this batch has left.');
}
