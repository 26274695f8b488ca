import type { JobSummary } from '../../contracts/jobs.ts';
import type { JsonObject } from '../../contracts/json.ts';
import type { Era } from './era.ts';

/** How often a client should ask, in milliseconds. */
const pollIntervalMs = 1000;

/** In 2025-11-25 a tool's error makes its task fail; in 2026-07-28 only a protocol error does. */
const statusOf = {
  legacy: {
    queued: 'working',
    running: 'working',
    succeeded: 'completed',
    failed: 'failed',
    cancelled: 'cancelled',
  },
  modern: {
    queued: 'working',
    running: 'working',
    succeeded: 'completed',
    failed: 'completed',
    cancelled: 'cancelled',
  },
} as const;

/**
 * A job as a task, without its result.
 *
 * @param keepMs how long a job is kept after its end, in milliseconds
 */
export function describeTask(job: JobSummary, era: Era, keepMs: number): JsonObject {
  const { id, createdAtMs, startedAtMs, endedAtMs } = job;
  const message = messageOf(job);
  // It counts from the creation: as long as the job has not ended, its end moves away.
  const ttl = (endedAtMs ?? Math.max(Date.now(), createdAtMs)) - createdAtMs + keepMs;
  return {
    taskId: id,
    status: statusOf[era][job.status],
    ...(message !== undefined && { statusMessage: message }),
    createdAt: isoTime(createdAtMs),
    lastUpdatedAt: isoTime(endedAtMs ?? startedAtMs ?? createdAtMs),
    ...(era === 'modern' ? { ttlMs: ttl, pollIntervalMs } : { ttl, pollInterval: pollIntervalMs }),
  };
}

function messageOf({ status, error }: JobSummary): string | undefined {
  const failure = error && `${error.code}: ${error.detail}`;
  switch (status) {
    case 'queued':
      return failure === undefined ? 'It waits for its turn.' : `It is tried again after ${failure}`;
    case 'running':
      return 'The model is working.';
    case 'failed':
      return failure;
    case 'cancelled':
      return 'It was cancelled on request.';
    case 'succeeded':
      return undefined;
  }
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
