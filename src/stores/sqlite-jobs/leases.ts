import type { JobExecution } from '../../contracts/jobs.ts';
import { lostRun } from '../lost-run.ts';
import type { Change, Lease, TakenRun } from './protocol.ts';
import type { JobThread } from './thread.ts';

/** The runs of this process. */
export interface Leases {
  /** Makes a run into what a worker gets. */
  hold(run: TakenRun): JobExecution;
  /** Gives a sign of life for every run, and aborts those that are good no more. */
  renew(): Promise<void>;
  /** Looks after the runs whose jobs something happened to. */
  check(changes: readonly Change[]): Promise<void>;
}

interface Held {
  readonly run: TakenRun;
  readonly controller: AbortController;
}

/** Keeps the runs of this process alive, and knows which are of no use any more. */
export function createLeases(call: JobThread['call']): Leases {
  const held = new Map<string, Held>();

  async function confirm(runs: readonly Held[]): Promise<void> {
    if (runs.length === 0) return;
    const lost = await call(
      'renew',
      runs.map(({ run }) => leaseOf(run)),
    );
    for (const lease of lost) {
      const found = runs.find(({ run }) => run.job === lease.job);
      // What has been ended or put back meanwhile is not held any more.
      if (!found || held.get(found.run.request.id) !== found) continue;
      held.delete(found.run.request.id);
      found.controller.abort(lostRun(lease.status));
    }
  }

  return {
    hold(run) {
      const { request, attempt, interrupted } = run;
      const lease = leaseOf(run);
      const mine: Held = { run, controller: new AbortController() };
      held.set(request.id, mine);
      const letGo = (stored: boolean) => {
        if (held.get(request.id) === mine) held.delete(request.id);
        return stored;
      };
      return {
        request,
        attempt,
        interrupted,
        signal: mine.controller.signal,
        end: async (outcome) => letGo(await call('end', { ...lease, outcome })),
        retry: async (error, delayMs) => letGo(await call('retry', { ...lease, error, delayMs })),
        release: async () => void letGo(await call('release', lease)),
      };
    },
    renew: () => confirm([...held.values()]),
    check: (changes) =>
      confirm(
        changes.flatMap(({ id, status }) => {
          const found = held.get(id);
          return found && status !== 'running' ? [found] : [];
        }),
      ),
  };
}

function leaseOf({ job, fence }: TakenRun): Lease {
  return { job, fence };
}
