/** Calls of one kind that share a resource with those of other kinds. */
export interface Contender {
  /** What one call takes of the resource while it runs. */
  readonly size: number;
  /** How many may run at the same time. */
  readonly max: number;
  /** How many wait. */
  readonly waiting: number;
  /** How long one runs, in milliseconds. */
  readonly durationMs: number;
  /** How long each of those that run still takes, in milliseconds. */
  readonly runningMs: readonly number[];
  /** Its place in the order of turns: the lowest goes first, and goes back by `size × durationMs` each time. */
  readonly tag: number;
}

/**
 * Foretells how long the last in line of one contender waits, by playing the turns through: the lowest tag among those
 * who may run more goes next, and nobody overtakes it while it does not fit.
 *
 * @param free how much of the resource is free now
 * @returns milliseconds; infinite where its turn would never come
 */
export function forecastWaitMs(free: number, contenders: readonly Contender[], last: Contender): number {
  const states = contenders.map((contender) => ({
    contender,
    running: contender.runningMs.length,
    waiting: contender.waiting,
    tag: contender.tag,
  }));
  const ends = states.flatMap((state) =>
    state.contender.runningMs.map((atMs) => ({ atMs: Math.max(0, atMs), state })),
  );
  ends.sort((a, b) => a.atMs - b.atMs);
  let left = free;
  let nowMs = 0;
  for (;;) {
    let next: (typeof states)[number] | undefined;
    for (const state of states) {
      const eligible = state.waiting > 0 && state.running < state.contender.max;
      if (eligible && (next === undefined || state.tag < next.tag)) next = state;
    }
    if (next !== undefined && next.contender.size <= left) {
      const { size, durationMs } = next.contender;
      next.waiting -= 1;
      if (next.contender === last && next.waiting === 0) return nowMs;
      next.running += 1;
      next.tag += size * durationMs;
      left -= size;
      insertByTime(ends, { atMs: nowMs + durationMs, state: next });
      continue;
    }
    const end = ends.shift();
    if (end === undefined) return Number.POSITIVE_INFINITY;
    nowMs = end.atMs;
    end.state.running -= 1;
    left += end.state.contender.size;
  }
}

function insertByTime<Item extends { readonly atMs: number }>(items: Item[], item: Item): void {
  let from = 0;
  let to = items.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((items[middle]?.atMs ?? 0) <= item.atMs) from = middle + 1;
    else to = middle;
  }
  items.splice(from, 0, item);
}
