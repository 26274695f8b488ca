import type { DatabaseSync } from 'node:sqlite';
import type { Submission } from '../../contracts/jobs.ts';
import type { Journal } from './journal.ts';
import type { Operations } from './protocol.ts';
import type { Questions } from './questions.ts';
import { integer, text } from './rows.ts';

export interface SubmitOptions {
  readonly queueMax: number;
  readonly questions: Questions;
  readonly journal: Journal;
}

/** The share of the file's size that new jobs may fill. The rest is for the results of those that were accepted. */
const fillFactor = 0.9;

/** Accepts jobs: state, key and place in the queue in one step. */
export function createSubmit(
  database: DatabaseSync,
  { queueMax, questions, journal }: SubmitOptions,
): Pick<Operations, 'submit'> {
  const known = database.prepare(`
    SELECT id, input_digest FROM jobs WHERE caller = ? AND skill = ? AND idempotency_key = ?`);
  const insertJob = database.prepare(`
    INSERT INTO jobs (id, caller, skill, version, status, created_at, idempotency_key, input_digest)
    VALUES (:id, :caller, :skill, :version, 'queued', :createdAt, :key, :digest)
    RETURNING seq`);
  const insertInput = database.prepare(`
    INSERT INTO job_inputs (job, grants, request_id, traceparent, cache_directive, input)
    VALUES (:job, :grants, :requestId, :traceparent, :cacheDirective, :input)`);
  const pages = database.prepare('PRAGMA page_count');
  const freePages = database.prepare('PRAGMA freelist_count');
  const { max_page_count: maxPages } = database.prepare('PRAGMA max_page_count').get() ?? {};

  function isFull(): boolean {
    if (questions.counts(undefined).queued >= queueMax) return true;
    const used = integer(pages.get() ?? {}, 'page_count') - integer(freePages.get() ?? {}, 'freelist_count');
    return typeof maxPages === 'number' && used > fillFactor * maxPages;
  }

  return {
    submit({ request, idempotency }): Submission {
      const { id, caller, skill, version, createdAtMs } = request;
      const earlier = idempotency && known.get(caller.id, skill, idempotency.key);
      if (earlier) {
        if (text(earlier, 'input_digest') !== idempotency.inputDigest) return { kind: 'conflict' };
        const job = questions.find({ id: text(earlier, 'id'), callerId: caller.id });
        if (job) return { kind: 'repeated', job };
      }
      if (isFull()) return { kind: 'full' };
      const row = insertJob.get({
        id,
        caller: caller.id,
        skill,
        version,
        createdAt: createdAtMs,
        key: idempotency?.key ?? null,
        digest: idempotency?.inputDigest ?? null,
      });
      const job = integer(row ?? {}, 'seq');
      insertInput.run({
        job,
        grants: JSON.stringify(caller.skills === '*' ? '*' : [...caller.skills]),
        requestId: request.requestId,
        traceparent: request.traceparent ?? null,
        cacheDirective: request.cacheDirective,
        input: request.inputJson,
      });
      journal.write({ job, status: 'queued', attempts: 0 });
      return { kind: 'accepted', job: { id, skill, version, status: 'queued', attempts: 0, createdAtMs } };
    },
  };
}
