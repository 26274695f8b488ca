import type { Job, JobEvent, JobSummary } from '../contracts/jobs.ts';

/** A job as callers see it. */
export function showJob(job: JobSummary) {
  return {
    id: job.id,
    skill: job.skill,
    version: job.version,
    status: job.status,
    attempts: job.attempts,
    created_at: toIso(job.createdAtMs),
    ...(job.startedAtMs !== undefined && { started_at: toIso(job.startedAtMs) }),
    ...(job.endedAtMs !== undefined && { ended_at: toIso(job.endedAtMs) }),
    ...(job.error && { error: job.error }),
  };
}

/** The JSON text of a job. Its output is text already, and stays as it is. */
export function jobText(job: Job): string {
  const text = JSON.stringify(showJob(job));
  return job.outputJson === undefined ? text : `${text.slice(0, -1)},"output":${job.outputJson}}`;
}

/** An event as a server-sent event (HTML Standard, section 9.2), with the job's new state as its name. */
export function eventText({ id, atMs, status, attempts, error, retryAtMs }: JobEvent): string {
  const data = JSON.stringify({
    status,
    attempts,
    at: toIso(atMs),
    ...(error && { error }),
    ...(retryAtMs !== undefined && { retry_at: toIso(retryAtMs) }),
  });
  return `id: ${id}\nevent: ${status}\ndata: ${data}\n\n`;
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
