import { setTimeout as pause } from 'node:timers/promises';
import type { JobRequest } from '../../contracts/jobs.ts';
import type { Logger } from '../../contracts/logger.ts';
import type { DeliveredJob } from './delivered-job.ts';
import type { Publisher } from './publisher.ts';
import type { JobRecords } from './records.ts';

/** Lets messages come again later. Nothing here rejects: a message that cannot be put off comes again at once. */
export interface Delays {
  /** After so many milliseconds, or a part of them: whoever gets it then finds out what is left. */
  put(job: DeliveredJob, ms: number): Promise<void>;
  /** When there may be a place for its skill. */
  putBehind(job: DeliveredJob): Promise<void>;
}

export interface DelaysOptions {
  readonly publisher: Publisher;
  readonly records: JobRecords;
  readonly logger: Logger;
}

/**
 * How long a job without a place is out of the way for each that waits with it, in milliseconds: however many wait, a
 * hundred a second come by and ask.
 */
const perWaitingMs = 10;
const behind = { shortestMs: 100, longestMs: 60_000 };
/** How long a message stays here that could not be put off, in milliseconds. */
const failureMs = 500;

/** Puts messages off by way of the broker's delay queues. */
export function createDelays({ publisher, records, logger }: DelaysOptions): Delays {
  async function put({ message, delivery }: DeliveredJob, ms: number): Promise<void> {
    const sending = await publisher.sendLater(message.request.id, message.text, ms);
    if (sending === 'confirmed') return delivery.ack();
    await pause(failureMs);
    delivery.requeue();
  }

  async function behindMs({ id, skill }: JobRequest): Promise<number> {
    try {
      const ms = (await records.putBehind(id, skill)) * perWaitingMs;
      return Math.min(Math.max(ms, behind.shortestMs), behind.longestMs);
    } catch (err) {
      logger.debug({ job_id: id, err }, 'jobs_not_counted');
      return failureMs;
    }
  }

  return {
    put,
    putBehind: async (job) => put(job, await behindMs(job.message.request)),
  };
}
