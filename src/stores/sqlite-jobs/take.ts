import type { DatabaseSync } from 'node:sqlite';
import type { CacheDirective } from '../../contracts/invocation.ts';
import { type JobRequest, type JobWant, longestRetryDelayMs } from '../../contracts/jobs.ts';
import type { Journal } from './journal.ts';
import type { Operations, Taken, TakenRun } from './protocol.ts';
import { integer, optionalText, type Row, text } from './rows.ts';

/** A job that seems to wait for longer than it can waits for a clock that was set back, and is due. */
const isDue = '(delayed_until IS NULL OR delayed_until <= :now OR delayed_until > :now + :longest)';

/** Gives jobs out. */
export function createTake(database: DatabaseSync, journal: Journal): Pick<Operations, 'take'> {
  const due = database.prepare(`
    SELECT seq, skill FROM jobs INDEXED BY jobs_queued
    WHERE status = 'queued' AND ${isDue} AND skill NOT IN (SELECT value FROM json_each(:except))
    ORDER BY seq`);
  const nextDue = database.prepare(`
    SELECT min(delayed_until) - :now AS ms FROM jobs
    WHERE status = 'queued' AND delayed_until IS NOT NULL AND delayed_until > :now`);
  const running = database.prepare(
    `SELECT count(*) AS jobs FROM jobs WHERE status = 'running' AND skill = ?`,
  );
  const start = database.prepare(`
    UPDATE jobs SET status = 'running', attempts = attempts + 1, fence = fence + 1, started_at = :now,
      delayed_until = NULL
    WHERE seq = :seq
    RETURNING seq, id, caller, skill, version, created_at, attempts, fence, interrupted`);
  const input = database.prepare('SELECT * FROM job_inputs WHERE job = ?');

  /** How many more jobs of each limited skill may start, in this process and in all of them. */
  function placesOf({ places, sharedLimits }: JobWant): Map<string, number> {
    const left = new Map(places);
    for (const [skill, limit] of sharedLimits) {
      const shared = limit - integer(running.get(skill) ?? {}, 'jobs');
      left.set(skill, Math.min(shared, left.get(skill) ?? shared));
    }
    return left;
  }

  function choose(want: JobWant, now: number): readonly number[] {
    const places = placesOf(want);
    const full = [...places].filter(([, left]) => left <= 0).map(([skill]) => skill);
    const except = JSON.stringify(full);
    const chosen: number[] = [];
    if (want.count <= 0) return chosen;
    for (const row of due.iterate({ now, longest: longestRetryDelayMs, except })) {
      const skill = text(row, 'skill');
      const left = places.get(skill);
      if (left === 0) continue;
      if (left !== undefined) places.set(skill, left - 1);
      chosen.push(integer(row, 'seq'));
      if (chosen.length >= want.count) break;
    }
    return chosen;
  }

  function give(seq: number, now: number): TakenRun {
    const row = start.get({ seq, now }) ?? {};
    const attempt = integer(row, 'attempts');
    journal.write({ job: seq, status: 'running', attempts: attempt });
    return {
      job: seq,
      fence: integer(row, 'fence'),
      attempt,
      interrupted: integer(row, 'interrupted') === 1,
      request: toRequest(row, input.get(seq) ?? {}),
    };
  }

  return {
    take(want): Taken {
      const now = Date.now();
      const runs = choose(want, now).map((seq) => give(seq, now));
      const { ms } = nextDue.get({ now }) ?? {};
      return { runs, nextDueMs: typeof ms === 'number' ? Math.min(ms, longestRetryDelayMs) : undefined };
    },
  };
}

function toRequest(job: Row, input: Row): JobRequest {
  const grants: '*' | string[] = JSON.parse(text(input, 'grants'));
  return {
    id: text(job, 'id'),
    skill: text(job, 'skill'),
    version: text(job, 'version'),
    inputJson: text(input, 'input'),
    caller: { id: text(job, 'caller'), skills: grants === '*' ? '*' : new Set(grants) },
    requestId: text(input, 'request_id'),
    traceparent: optionalText(input, 'traceparent'),
    cacheDirective: directiveOf(text(input, 'cache_directive')),
    createdAtMs: integer(job, 'created_at'),
  };
}

function directiveOf(stored: string): CacheDirective {
  return stored === 'no-cache' || stored === 'no-store' ? stored : 'default';
}
