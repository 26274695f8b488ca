import type { DatabaseSync } from 'node:sqlite';
import type { JobStatus } from '../../contracts/jobs.ts';
import type { Change } from './protocol.ts';
import { integer, statusOf, text } from './rows.ts';

/** What a job has come to. `error` is the problem's JSON text. */
export interface JournalEntry {
  readonly job: number;
  readonly status: JobStatus;
  readonly attempts: number;
  readonly error?: string | undefined;
  readonly retryAtMs?: number | undefined;
}

/** Everything that happened, in the order of the commits of all processes. */
export interface Journal {
  write(entry: JournalEntry): void;
  /** What was written since this was last asked, by whatever process. */
  news(): readonly Change[];
}

/** Makes the journal of an open file; its news begin now. */
export function createJournal(database: DatabaseSync): Journal {
  const insert = database.prepare(`
    INSERT INTO job_events (job, id, at, status, attempts, error, retry_at)
    VALUES (:job, (SELECT coalesce(max(id), 0) + 1 FROM job_events WHERE job = :job),
            :at, :status, :attempts, :error, :retryAt)`);
  const since = database.prepare(`
    SELECT job_events.seq, jobs.id, job_events.status FROM job_events JOIN jobs ON jobs.seq = job_events.job
    WHERE job_events.seq > ? ORDER BY job_events.seq`);
  const newest = database.prepare(`SELECT coalesce(max(seq), 0) AS seq FROM job_events`).get();
  let last = newest === undefined ? 0 : integer(newest, 'seq');

  return {
    write({ job, status, attempts, error = null, retryAtMs = null }) {
      insert.run({ job, at: Date.now(), status, attempts, error, retryAt: retryAtMs });
    },
    news() {
      return since.all(last).map((row) => {
        last = integer(row, 'seq');
        return { id: text(row, 'id'), status: statusOf(row) };
      });
    },
  };
}
