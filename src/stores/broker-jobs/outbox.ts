import { SkillgateError } from '../../contracts/errors.ts';
import type { Idempotency, Job, JobRequest, Submission } from '../../contracts/jobs.ts';
import type { Logger } from '../../contracts/logger.ts';
import { toMessage } from './message.ts';
import type { Publisher, Sending } from './publisher.ts';
import type { JobRecords } from './records.ts';

/** Sees to it that every job in Redis has its message in RabbitMQ. */
export interface Outbox {
  /** As `JobStore.submit`. */
  submit(request: JobRequest, idempotency: Idempotency | undefined): Promise<Submission>;
  /** Sends a job's message, and takes the job out of the outbox once the broker has it. */
  send(id: string, text: string): Promise<Sending>;
  /**
   * Sends again what nobody has sent for a while, and what the broker has lost: its disk is gone, or somebody has
   * deleted the queue.
   */
  look(): Promise<void>;
}

export interface OutboxOptions {
  readonly records: JobRecords;
  readonly publisher: Publisher;
  readonly logger: Logger;
}

/** After how long a job without a confirmation is sent again, in milliseconds: longer than any sending takes. */
const forgottenMs = 10_000;
/** Longer than a message is elsewhere without anybody's hearing of it, in milliseconds. */
const lostMs = 120_000;
/** When it is worth to come again while the broker is away, in milliseconds. */
const retryAfterMs = 5000;

/**
 * Sends jobs that Redis has. The message is double where a confirmation was lost; what is delivered twice runs once.
 */
export function createOutbox({ records, publisher, logger }: OutboxOptions): Outbox {
  const underWay = new Map<string, Promise<Sending>>();

  async function sendNow(id: string, text: string): Promise<Sending> {
    const sending = await publisher.send(id, text);
    if (sending === 'confirmed') {
      // Nobody waits for it: what stays in the outbox is sent twice.
      records.sent(id).catch((err: unknown) => logger.debug({ job_id: id, err }, 'job_left_in_outbox'));
    }
    return sending;
  }

  function send(id: string, text: string): Promise<Sending> {
    const known = underWay.get(id);
    if (known) return known;
    const sending = sendNow(id, text).finally(() => underWay.delete(id));
    underWay.set(id, sending);
    return sending;
  }

  async function repeated(id: string, unsentText: string | null, callerId: string): Promise<Submission> {
    if (unsentText !== null) {
      const sending = await send(id, unsentText);
      if (sending === 'refused') return { kind: 'full' };
      if (sending !== 'confirmed') throw brokerAway();
    }
    const job = await records.find(id, callerId);
    // Its time was over, or it was withdrawn, between the two questions.
    if (job === undefined) throw brokerAway();
    return { kind: 'repeated', job };
  }

  return {
    async submit(request, idempotency) {
      const message = toMessage(request, idempotency);
      const [kind, first, unsentText] = await records.submit(message);
      if (kind === 'repeated') return repeated(first, unsentText, request.caller.id);
      if (kind !== 'accepted') return { kind };
      const sending = await send(request.id, message.text);
      if (sending === 'confirmed') return { kind, job: accepted(request) };
      if (sending === 'unknown') throw brokerAway();
      await records.withdraw(request.id);
      if (sending === 'refused') return { kind: 'full' };
      throw brokerAway();
    },
    send,
    async look() {
      if (!publisher.link.current) return;
      // What is not in the queue has been put off, or is with a worker, and heard of; or it is nowhere.
      const lost = (await publisher.isMainEmpty()) ? await records.overdue(lostMs) : 0;
      if (lost > 0) logger.warn({ jobs: lost }, 'job_messages_lost');
      for (let isGoingWell = true; isGoingWell; ) {
        const unsent = await records.unsent(forgottenMs);
        const sendings = await Promise.all(unsent.map(([id, text]) => send(id, text)));
        isGoingWell = sendings.length > 0 && sendings.every((sending) => sending === 'confirmed');
      }
    },
  };
}

function accepted({ id, skill, version, createdAtMs }: JobRequest): Job {
  return { id, skill, version, status: 'queued', attempts: 0, createdAtMs };
}

function brokerAway(): SkillgateError {
  return new SkillgateError('overloaded', 'Jobs cannot be queued at the moment: RabbitMQ does not answer.', {
    retryAfterMs,
  });
}
