import { hasEnded, type Watch } from '../../contracts/jobs.ts';
import { createWatchSet, type WatchSet } from '../watch-set.ts';
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

/** Nobody waits at first. */
export function createWatches(): Watches {
  const ofJobs = new Map<string, WatchSet>();
  const ofDue = createWatchSet(() => undefined);

  return {
    watch(id) {
      const set = ofJobs.get(id) ?? createWatchSet(() => void ofJobs.delete(id));
      ofJobs.set(id, set);
      return set.watch();
    },
    watchDue: ofDue.watch,
    tell(changes) {
      for (const { id } of changes) ofJobs.get(id)?.tell();
      // An end makes room where only so many may run.
      if (changes.some((change) => change.status === 'queued' || hasEnded(change))) ofDue.tell();
    },
    tellDue: ofDue.tell,
  };
}
