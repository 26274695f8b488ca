import { SkillgateError } from '../contracts/errors.ts';
import type { Admission } from '../contracts/pipeline.ts';
import { type Contender, forecastWaitMs } from '../lib/queue-forecast.ts';
import { waitForTurn } from '../lib/turn.ts';

/** How one skill takes part in a pool. */
export interface PoolShare {
  /** What one call needs of the memory, in MiB; not more than the pool has. */
  readonly mib: number;
  /** Calls that may be in flight to the model. */
  readonly max: number;
  /** Calls that may wait for a place. */
  readonly queue: number;
  /** How long a call may wait for a place, in milliseconds. */
  readonly queueMs: number;
}

/** The memory of one GPU, or of several that models share. */
export interface GpuPool {
  /** How much there is in all, in MiB. */
  readonly mib: number;
  /** Makes the admission of one more skill. */
  admit(share: PoolShare): Admission;
}

/** How much the latest call's duration counts in the running mean that predicts waiting times. */
const smoothing = 0.1;
/** How long a forecast serves all who ask, in milliseconds: a crowd that is turned away must not cost much. */
const forecastMs = 10;

/** A call that has its place. */
interface Run {
  /** On the clock of `performance.now()`. */
  readonly startedAt: number;
}

/** One skill's calls in the pool. */
interface Member extends PoolShare {
  /** In the order in which they came. */
  readonly waiting: Set<(run: Run) => void>;
  readonly running: Set<Run>;
  /** The running mean of a call's duration, in milliseconds; 1 until one was measured. */
  meanMs: number;
  measured: boolean;
  /** Where its next call stands in the order of turns, in MiB × ms of service. */
  tag: number;
  forecast: { readonly madeAt: number; readonly waitMs: number } | undefined;
}

/**
 * Keeps the memory that the calls in flight need within what there is. Skills that wait take turns by the memory and
 * the time that they have had, the one that had least first, and nobody overtakes the one whose turn it is: each gets
 * its share, however large or many the calls of the others are (start-time fair queueing: Goyal et al., SIGCOMM 1996).
 * A skill's own calls go as they came, and no more at a time than it allows.
 *
 * Who would wait longer than it may, as far as the durations so far can tell, is turned away at once with `overloaded`
 * and the time after which there should be a place.
 */
export function createGpuPool(mib: number): GpuPool {
  /** Those with calls that wait or run. */
  const active = new Set<Member>();
  let freeMib = mib;
  /** The tag of the turn that was taken last. */
  let turn = 0;

  function begin(member: Member): Run {
    const run = { startedAt: performance.now() };
    active.add(member);
    member.running.add(run);
    freeMib -= member.mib;
    turn = Math.max(turn, member.tag);
    member.tag += member.mib * member.meanMs;
    return run;
  }

  function end(member: Member, run: Run): void {
    member.running.delete(run);
    freeMib += member.mib;
    const ms = performance.now() - run.startedAt;
    member.meanMs = member.measured ? member.meanMs + smoothing * (ms - member.meanMs) : ms;
    member.measured = true;
    moveOn(member);
  }

  /** Lets others in, after this one has given back its memory or its turn. */
  function moveOn(member: Member): void {
    if (member.running.size === 0 && member.waiting.size === 0) active.delete(member);
    for (let next = nextInTurn(); next !== undefined && next.mib <= freeMib; next = nextInTurn()) {
      const [admit] = next.waiting;
      admit?.(begin(next));
    }
  }

  /** Who has not waited has no turns saved up. */
  function catchUp(member: Member): void {
    if (member.waiting.size === 0) member.tag = Math.max(turn, member.tag);
  }

  /** Whose turn it is among those who wait and may run more. */
  function nextInTurn(): Member | undefined {
    let next: Member | undefined;
    for (const member of active) {
      const mayRun = member.waiting.size > 0 && member.running.size < member.max;
      if (mayRun && (next === undefined || member.tag < next.tag)) next = member;
    }
    return next;
  }

  async function enter(member: Member, signal: AbortSignal): Promise<Run> {
    if (member.waiting.size >= member.queue) throw overloaded(member, `${member.waiting.size} calls wait`);
    catchUp(member);
    const expectedMs = forecast(member);
    if (expectedMs > member.queueMs) {
      throw overloaded(member, `a place is due in ${Math.ceil(expectedMs)} ms, past queue_ms`);
    }
    active.add(member);
    try {
      return await waitForTurn(member.waiting, {
        signal,
        ms: member.queueMs,
        tooLate: () => overloaded(member, `no place within ${member.queueMs} ms`),
      });
    } catch (error) {
      // Whoever leaves may have been the one that did not fit, and kept others waiting.
      moveOn(member);
      throw error;
    }
  }

  /** How long one more call of this skill would wait, in milliseconds. */
  function forecast(member: Member): number {
    const now = performance.now();
    if (member.forecast !== undefined && now - member.forecast.madeAt < forecastMs) {
      return member.forecast.waitMs;
    }
    const asking = toContender(member, now, 1);
    const others = [...active].filter((other) => other !== member);
    const all = [asking, ...others.map((other) => toContender(other, now, 0))];
    const waitMs = forecastWaitMs(freeMib, all, asking);
    member.forecast = { madeAt: now, waitMs };
    return waitMs;
  }

  function overloaded(member: Member, reason: string): SkillgateError {
    return new SkillgateError('overloaded', `The GPU's memory is taken: ${reason}.`, {
      retryAfterMs: forecast(member),
      mayHaveRun: false,
    });
  }

  return {
    mib,
    admit(share) {
      const member: Member = {
        ...share,
        waiting: new Set(),
        running: new Set(),
        meanMs: 1,
        measured: false,
        tag: 0,
        forecast: undefined,
      };
      return {
        policy: (next) => async (call) => {
          call.signal.throwIfAborted();
          const { running, max, waiting } = member;
          const isFree = waiting.size === 0 && running.size < max && member.mib <= freeMib;
          let run: Run;
          // A turn that was not taken is one that does not fit: nobody overtakes it.
          if (isFree && nextInTurn() === undefined) {
            catchUp(member);
            run = begin(member);
          } else {
            run = await enter(member, call.signal);
          }
          try {
            return await next(call);
          } finally {
            end(member, run);
          }
        },
        get inFlight() {
          return member.running.size;
        },
        get queued() {
          return member.waiting.size;
        },
      };
    },
  };
}

function toContender(
  { mib: size, max, waiting, running, meanMs, tag }: Member,
  now: number,
  more: number,
): Contender {
  return {
    size,
    max,
    waiting: waiting.size + more,
    durationMs: meanMs,
    runningMs: [...running].map(({ startedAt }) => startedAt + meanMs - now),
    tag,
  };
}
