import type { Watch } from '../contracts/jobs.ts';
import { createLatch, type Latch } from '../lib/latch.ts';

/** Those who wait for the same thing to happen. */
export interface WatchSet {
  watch(): Watch;
  /** It happened. */
  tell(): void;
}

/**
 * Makes a set in which nobody waits yet.
 *
 * @param onEmpty called when the last watch is closed
 */
export function createWatchSet(onEmpty: () => void): WatchSet {
  const latches = new Set<Latch>();
  return {
    watch() {
      const latch = createLatch();
      latches.add(latch);
      return {
        changed: (signal) => latch.wait(signal),
        close() {
          if (latches.delete(latch) && latches.size === 0) onEmpty();
        },
      };
    },
    tell() {
      for (const latch of latches) latch.set();
    },
  };
}
