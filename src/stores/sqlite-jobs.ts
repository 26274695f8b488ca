import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type JobBackend, JobBackendError, type JobBackendOptions } from '../contracts/jobs.ts';
import { every } from '../lib/every.ts';
import { createLeases } from './sqlite-jobs/leases.ts';
import { startJobThread } from './sqlite-jobs/thread.ts';
import { createWatches } from './sqlite-jobs/watches.ts';
import { sweepIntervalMs } from './sweep-interval.ts';

export interface SqliteJobsOptions extends JobBackendOptions {
  /** The file. Any number of processes of one machine may share it; its folder must not be on a network. */
  readonly path: string;
  /** The size that the file may have. New jobs are refused some way before, so that results always find room. */
  readonly maxBytes: number;
}

/**
 * Keeps jobs in one SQLite file. A job's state and its place in the queue are one row, so every step is one transaction;
 * whatever is promised has been synced to the disk.
 *
 * @throws JobBackendError where the file cannot be used
 */
export async function openSqliteJobs(options: SqliteJobsOptions): Promise<JobBackend> {
  const { path, leaseMs, renewMs = leaseMs / 3, resultTtlMs, warn } = options;
  // Inputs and outputs are nobody else's business.
  await mkdir(dirname(path), { recursive: true, mode: 0o700 }).catch((cause: Error) => {
    throw new JobBackendError(`the folder ${dirname(path)} cannot be made: ${cause.message}`, { cause });
  });
  const watches = createWatches();
  const thread = await startJobThread({
    path,
    maxBytes: options.maxBytes,
    queueMax: options.queueMax,
    leaseMs,
    maxAttempts: options.maxAttempts,
    resultTtlMs,
    onChanges(changes) {
      watches.tell(changes);
      leases.check(changes).catch((error) => warn('job_leases_unchecked', error));
    },
    warn,
  });
  const leases = createLeases(thread.call);
  let dueTimer: NodeJS.Timeout | undefined;

  async function sweep(): Promise<void> {
    while (await thread.call('sweep', undefined));
  }

  const onFailure = (event: string) => (error: unknown) => warn(event, error);
  const timers = [
    every(renewMs, () => leases.renew(), onFailure('job_leases_not_renewed')),
    every(leaseMs / 3, () => thread.call('takeOver', undefined), onFailure('job_takeover_failed')),
    every(sweepIntervalMs(resultTtlMs), sweep, onFailure('job_sweep_failed')),
  ];

  return {
    submit: (request, idempotency) => thread.call('submit', { request, idempotency }),
    find: (id, callerId) => thread.call('find', { id, callerId }),
    list: (callerId, query) => thread.call('list', { ...query, callerId }),
    events: (id, callerId, after) => thread.call('events', { id, callerId, after }),
    counts: () => thread.call('counts', undefined),
    cancel: (id, callerId) => thread.call('cancel', { id, callerId }),
    watch: async (id) => watches.watch(id),
    watchDue: async () => watches.watchDue(),
    async take(want) {
      const { runs, nextDueMs } = await thread.call('take', want);
      clearTimeout(dueTimer);
      if (nextDueMs !== undefined) dueTimer = setTimeout(watches.tellDue, nextDueMs + 1).unref();
      return runs.map(leases.hold);
    },
    listDead: (limit) => thread.call('listDead', limit),
    retryDead: (id) => thread.call('retryDead', id),
    async close() {
      for (const timer of timers) clearInterval(timer);
      clearTimeout(dueTimer);
      await thread.close();
    },
  };
}
