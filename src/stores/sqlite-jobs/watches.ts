import { hasEnded, type Watch } from '../../contracts/jobs.ts';
import { createLatch, type Latch } from '../../lib/latch.ts';
import type { Change } from './protocol.ts';

/** Those who wait for something to happen to jobs. */
export interface Watches {
  /** Watches one job. */
  watch(id: string): Watch;
  /** Watches for jobs that can be taken. */
  watchDue(): Watch;
  tell(changes: readonly Change[]): void;
  /** A job may be due now. */
  tellDue(): void;
}

export function createWatches(): Watches {
  const ofJobs = new Map<string, Set<Latch>>();
  const ofDue = new Set<Latch>();

  function tellDue(): void {
    for (const latch of ofDue) latch.set();
  }

  return {
    watch(id) {
      const latches = ofJobs.get(id) ?? new Set();
      ofJobs.set(id, latches);
      return watchIn(latches, () => {
        if (latches.size === 0 && ofJobs.get(id) === latches) ofJobs.delete(id);
      });
    },
    watchDue: () => watchIn(ofDue, () => undefined),
    tell(changes) {
      for (const { id } of changes) for (const latch of ofJobs.get(id) ?? []) latch.set();
      // An end makes room where only so many may run.
      if (changes.some((change) => change.status === 'queued' || hasEnded(change))) tellDue();
    },
    tellDue,
  };
}

function watchIn(latches: Set<Latch>, onClose: () => void): Watch {
  const latch = createLatch();
  latches.add(latch);
  return {
    changed: (signal) => latch.wait(signal),
    close() {
      latches.delete(latch);
      onClose();
    },
  };
}
