import { SkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { Admission, Handler } from '../contracts/pipeline.ts';
import type { SharedSlots } from '../contracts/stores.ts';
import { patiently } from '../lib/abort.ts';

export interface SharedAdmissionOptions {
  /** What lets calls in by the limits of this process, which hold all the same. */
  readonly local: Admission;
  readonly slots: SharedSlots;
  /** How long a call may wait for its places, in this process and among all, in milliseconds. */
  readonly queueMs: number;
}

/** What is left at least of the wait for a slot, in milliseconds: who has come that far may ask for one. */
const leastWaitMs = 50;

/**
 * Keeps the calls of all gateways together within a limit. Whom this process has let in waits for a slot among all; who
 * waits too long is turned away with `overloaded` and a time as long as it waited, which the line takes at the least.
 * A caller who leaves gives up at once what it has.
 */
export function createSharedAdmission({ local, slots, queueMs }: SharedAdmissionOptions): Admission {
  let waiting = 0;

  async function enter(signal: AbortSignal, untilAt: number) {
    const startedAt = performance.now();
    const tooLate = () =>
      new SkillgateError(
        'overloaded',
        `The model is busy: no place among all gateways within ${queueMs} ms.`,
        {
          retryAfterMs: performance.now() - startedAt,
          mayHaveRun: false,
        },
      );
    waiting += 1;
    try {
      const ms = Math.max(untilAt - startedAt, leastWaitMs);
      return await patiently(slots.take, { signal, ms, tooLate });
    } finally {
      waiting -= 1;
    }
  }

  function withSlot(next: Handler<JsonValue>, untilAt: number): Handler<JsonValue> {
    return async (call) => {
      const slot = await enter(call.signal, untilAt);
      try {
        return await next(call);
      } finally {
        slot.giveBack();
      }
    };
  }

  return {
    // Made anew for each call, since the wait in this process counts as well.
    policy: (next) => (call) => local.policy(withSlot(next, performance.now() + queueMs))(call),
    get inFlight() {
      return local.inFlight - waiting;
    },
    get queued() {
      return local.queued + waiting;
    },
  };
}
