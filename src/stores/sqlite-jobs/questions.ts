import type { DatabaseSync } from 'node:sqlite';
import type { JobStatus } from '../../contracts/jobs.ts';
import type { Operations } from './protocol.ts';
import { integer, optionalText, statusOf, summaryColumns, text, toEvent, toSummary } from './rows.ts';

/** The operations that change nothing. */
export type Questions = Pick<Operations, 'find' | 'list' | 'events' | 'counts' | 'listDead'>;

/** Answers what is asked about jobs. */
export function createQuestions(database: DatabaseSync): Questions {
  const find = database.prepare(`
    SELECT ${summaryColumns}, output FROM jobs LEFT JOIN job_outputs ON job = seq WHERE id = ? AND caller = ?`);
  const list = database.prepare(`
    SELECT ${summaryColumns} FROM jobs
    WHERE caller = :callerId AND (:skill IS NULL OR skill = :skill) AND (:status IS NULL OR status = :status)
      AND (:before IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :limit`);
  const seqOf = database.prepare('SELECT seq FROM jobs WHERE id = ? AND caller = ?');
  const events = database.prepare('SELECT * FROM job_events WHERE job = ? AND id > ? ORDER BY id');
  const counts = database.prepare('SELECT status, jobs FROM job_counts');
  const dead = database.prepare(`
    SELECT ${summaryColumns}, caller FROM jobs WHERE dead = 1 ORDER BY id DESC LIMIT ?`);

  return {
    find({ id, callerId }) {
      const row = find.get(id, callerId);
      if (row === undefined) return undefined;
      const outputJson = optionalText(row, 'output');
      return { ...toSummary(row), ...(outputJson !== undefined && { outputJson }) };
    },
    list: ({ callerId, skill = null, status = null, before = null, limit }) =>
      list.all({ callerId, skill, status, before, limit }).map(toSummary),
    events({ id, callerId, after }) {
      const row = seqOf.get(id, callerId);
      return row && events.all(integer(row, 'seq'), after).map(toEvent);
    },
    counts() {
      const found: Record<JobStatus, number> = {
        queued: 0,
        running: 0,
        succeeded: 0,
        failed: 0,
        cancelled: 0,
      };
      for (const row of counts.all()) found[statusOf(row)] = integer(row, 'jobs');
      return found;
    },
    listDead: (limit) => dead.all(limit).map((row) => ({ ...toSummary(row), callerId: text(row, 'caller') })),
  };
}
