import type { DeliveredJob } from './delivered-job.ts';

/** The jobs that have been delivered to this process and not been started. */
export interface WaitingRoom {
  /** How many there are. */
  readonly size: number;
  add(job: DeliveredJob): void;
  /**
   * Takes out the oldest that have places, and counts the places.
   *
   * @param places what is left by skill; changed here. A skill that is not named has no limit
   */
  choose(places: Map<string, number>, count: number): readonly DeliveredJob[];
  /** Takes out those that have had no place for so many milliseconds. */
  chooseWithoutPlace(places: ReadonlyMap<string, number>, ms: number): readonly DeliveredJob[];
  /** Takes out all. */
  empty(): readonly DeliveredJob[];
}

interface Waiting {
  readonly job: DeliveredJob;
  /** Since when it has been known that there is no place for it, on the process's clock. */
  placelessSince?: number;
}

/** Nobody waits in it at first. */
export function createWaitingRoom(): WaitingRoom {
  let waiting: readonly Waiting[] = [];

  function takeOut(isChosen: (one: Waiting) => boolean): readonly DeliveredJob[] {
    // Those of a channel that is gone are delivered again.
    const open = waiting.filter(({ job }) => job.delivery.isOpen);
    const chosen = new Set(open.filter(isChosen));
    waiting = open.filter((one) => !chosen.has(one));
    return [...chosen].map(({ job }) => job);
  }

  return {
    get size() {
      return waiting.length;
    },
    add(job) {
      waiting = [...waiting, { job }].sort((one, other) =>
        one.job.message.request.id < other.job.message.request.id ? -1 : 1,
      );
    },
    choose(places, count) {
      let left = count;
      return takeOut(({ job }) => {
        const { skill } = job.message.request;
        const free = places.get(skill);
        if (left <= 0 || (free !== undefined && free <= 0)) return false;
        left -= 1;
        if (free !== undefined) places.set(skill, free - 1);
        return true;
      });
    },
    chooseWithoutPlace(places, ms) {
      const now = performance.now();
      return takeOut((one) => {
        if ((places.get(one.job.message.request.skill) ?? 1) > 0) return false;
        one.placelessSince ??= now;
        return now - one.placelessSince >= ms;
      });
    },
    empty: () => takeOut(() => true),
  };
}
