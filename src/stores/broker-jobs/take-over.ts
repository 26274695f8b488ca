import { wornOut } from '../lost-run.ts';
import type { DeadLetters } from './dead-letters.ts';
import { readMessage } from './message.ts';
import type { Outbox } from './outbox.ts';
import type { JobRecords, Lapsed } from './records.ts';
import type { RedisLink } from './redis-link.ts';

export interface TakeOverOptions {
  readonly link: RedisLink;
  readonly records: JobRecords;
  readonly outbox: Outbox;
  readonly deadLetters: DeadLetters;
  readonly leaseMs: number;
  readonly maxAttempts: number;
}

/**
 * Takes jobs away from runs that gave no sign for too long. Where a worker has died, RabbitMQ delivers its messages
 * again, and whoever gets one goes on with the job; this is for those whose connection stays: a process that hangs.
 *
 * @returns looks once
 */
export function createTakeOver(options: TakeOverOptions): () => Promise<void> {
  const { link, records, outbox, deadLetters, leaseMs, maxAttempts } = options;

  async function end(run: Lapsed): Promise<void> {
    if (run.attempts < maxAttempts) {
      if (await records.takeOver(run)) await outbox.send(run.id, run.text);
      return;
    }
    const error = wornOut(run.attempts, readMessage(run.text)?.request.requestId ?? '');
    if (await records.giveUp(run, error)) await deadLetters.add(run, error);
  }

  return async () => {
    // After Redis was away every run has to be given the time for a sign.
    if (link.readySince === undefined || performance.now() - link.readySince < leaseMs) return;
    const lapsed = await records.lapsed(Math.round(leaseMs / 3));
    await Promise.all(lapsed.map(end));
  };
}
