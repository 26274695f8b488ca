import type { DatabaseSync } from 'node:sqlite';
import type { Journal } from './journal.ts';
import type { Operations } from './protocol.ts';
import type { Questions } from './questions.ts';
import { integer } from './rows.ts';

export interface ChangesOptions {
  readonly resultTtlMs: number;
  readonly questions: Questions;
  readonly journal: Journal;
}

/** How many jobs one sweep deletes: others want to write, too. */
const sweepSize = 500;

/** What callers, operators and time do to jobs. */
export function createChanges(
  database: DatabaseSync,
  { resultTtlMs, questions, journal }: ChangesOptions,
): Pick<Operations, 'cancel' | 'retryDead' | 'sweep'> {
  const cancel = database.prepare(`
    UPDATE jobs SET status = 'cancelled', ended_at = :now, delayed_until = NULL, error = NULL
    WHERE id = :id AND caller = :callerId AND status IN ('queued', 'running') RETURNING seq, attempts`);
  const forgetInput = database.prepare('DELETE FROM job_inputs WHERE job = ?');
  const retryDead = database.prepare(`
    UPDATE jobs SET status = 'queued', attempts = 0, interrupted = 0, dead = 0, started_at = NULL,
      ended_at = NULL, error = NULL
    WHERE id = ? AND dead = 1 RETURNING seq`);
  const sweep = database.prepare(`
    DELETE FROM jobs WHERE seq IN (SELECT seq FROM jobs WHERE ended_at <= ? LIMIT ${sweepSize})`);

  return {
    cancel({ id, callerId }) {
      const row = cancel.get({ id, callerId, now: Date.now() });
      if (row) {
        const job = integer(row, 'seq');
        forgetInput.run(job);
        journal.write({ job, status: 'cancelled', attempts: integer(row, 'attempts') });
      }
      return questions.find({ id, callerId });
    },
    retryDead(id) {
      const row = retryDead.get(id);
      if (row === undefined) return false;
      journal.write({ job: integer(row, 'seq'), status: 'queued', attempts: 0 });
      return true;
    },
    sweep() {
      // A clock that jumps forward deletes nothing before its time, as long as the process lives.
      const now = Math.min(Date.now(), performance.timeOrigin + performance.now());
      return sweep.run(now - resultTtlMs).changes === sweepSize;
    },
  };
}
