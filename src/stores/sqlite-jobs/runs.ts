import type { DatabaseSync } from 'node:sqlite';
import { longestRetryDelayMs } from '../../contracts/jobs.ts';
import { wornOut } from '../lost-run.ts';
import type { Journal } from './journal.ts';
import type { LostLease, Operations } from './protocol.ts';
import { integer, type Row, statusOf, text } from './rows.ts';

export interface RunsOptions {
  readonly leaseMs: number;
  readonly maxAttempts: number;
  readonly journal: Journal;
}

/** What this process saw of a run of any process: its latest sign of life, and when that was new. */
interface Sighting {
  readonly sign: string;
  readonly at: number;
}

const held = `seq = :job AND fence = :fence AND status = 'running'`;

/** Everything that happens to jobs after they were given out. */
export function createRuns(
  database: DatabaseSync,
  { leaseMs, maxAttempts, journal }: RunsOptions,
): Pick<Operations, 'end' | 'retry' | 'release' | 'renew' | 'takeOver'> {
  const end = database.prepare(`
    UPDATE jobs SET status = :status, ended_at = :now, version = :version, error = :error, dead = :dead
    WHERE ${held} RETURNING attempts`);
  const storeOutput = database.prepare('INSERT INTO job_outputs (job, output) VALUES (?, ?)');
  const forgetInput = database.prepare('DELETE FROM job_inputs WHERE job = ?');
  const retry = database.prepare(`
    UPDATE jobs SET status = 'queued', delayed_until = :until, error = :error, interrupted = 0
    WHERE ${held} RETURNING attempts`);
  const release = database.prepare(`
    UPDATE jobs SET status = 'queued', attempts = attempts - 1 WHERE ${held} RETURNING attempts`);
  const renew = database.prepare(`UPDATE jobs SET beat = beat + 1 WHERE ${held}`);
  const state = database.prepare('SELECT status FROM jobs WHERE seq = ?');
  const running = database.prepare(`
    SELECT jobs.seq, fence, beat, attempts, coalesce(request_id, '') AS request_id
    FROM jobs LEFT JOIN job_inputs ON job = seq WHERE status = 'running'`);
  const requeue = database.prepare(`
    UPDATE jobs SET status = 'queued', interrupted = 1, delayed_until = NULL WHERE seq = ?`);
  const giveUp = database.prepare(`
    UPDATE jobs SET status = 'failed', ended_at = ?, error = ?, dead = 1 WHERE seq = ?`);
  let sightings = new Map<number, Sighting>();

  function interrupt(row: Row): void {
    const job = integer(row, 'seq');
    const attempts = integer(row, 'attempts');
    if (attempts < maxAttempts) {
      requeue.run(job);
      journal.write({ job, status: 'queued', attempts });
      return;
    }
    const error = JSON.stringify(wornOut(attempts, text(row, 'request_id')));
    giveUp.run(Date.now(), error, job);
    journal.write({ job, status: 'failed', attempts, error });
  }

  return {
    end({ job, fence, outcome }) {
      const { status, version } = outcome;
      const error = status === 'failed' ? JSON.stringify(outcome.error) : undefined;
      const isDead = status === 'failed' && outcome.dead;
      const row = end.get({
        job,
        fence,
        status,
        version,
        now: Date.now(),
        error: error ?? null,
        dead: isDead ? 1 : 0,
      });
      if (row === undefined) return false;
      // First, so that the output can have the room that the input had.
      if (!isDead) forgetInput.run(job);
      if (status === 'succeeded') storeOutput.run(job, outcome.outputJson);
      journal.write({ job, status, attempts: integer(row, 'attempts'), error });
      return true;
    },
    retry({ job, fence, error: problem, delayMs }) {
      const retryAtMs = Math.round(Date.now() + Math.min(delayMs, longestRetryDelayMs));
      const error = JSON.stringify(problem);
      const row = retry.get({ job, fence, until: retryAtMs, error });
      if (row === undefined) return false;
      journal.write({ job, status: 'queued', attempts: integer(row, 'attempts'), error, retryAtMs });
      return true;
    },
    release({ job, fence }) {
      const row = release.get({ job, fence });
      if (row === undefined) return false;
      journal.write({ job, status: 'queued', attempts: integer(row, 'attempts') });
      return true;
    },
    renew(leases) {
      const lost: LostLease[] = [];
      for (const { job, fence } of leases) {
        if (renew.run({ job, fence }).changes === 1) continue;
        const row = state.get(job);
        lost.push({ job, fence, status: row && statusOf(row) });
      }
      return lost;
    },
    takeOver() {
      // Signs of life are compared, and their age is measured here: no clock that can jump has a part in it.
      const now = performance.now();
      const seen = new Map<number, Sighting>();
      for (const row of running.all()) {
        const job = integer(row, 'seq');
        const sign = `${row.fence}.${row.beat}`;
        const known = sightings.get(job);
        if (known?.sign !== sign) seen.set(job, { sign, at: now });
        else if (now - known.at < leaseMs) seen.set(job, known);
        else interrupt(row);
      }
      sightings = seen;
      return undefined;
    },
  };
}
