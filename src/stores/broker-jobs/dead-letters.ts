import type { Channel } from 'rabbitmq-client';
import type { Problem } from '../../contracts/problem.ts';
import type { Warn } from '../../lib/warn.ts';
import type { Delivery } from './consumer.ts';
import type { DeliveredJob } from './delivered-job.ts';
import type { Publisher, Sending } from './publisher.ts';
import type { Topology } from './topology.ts';

/** The queue of the jobs that were given up, for those who look at the broker. Redis has the list. */
export interface DeadLetters {
  /** Moves the message of a job that was given up there, or gives it back to come again. */
  put(job: Pick<DeliveredJob, 'message' | 'delivery'>, error: Problem): Promise<void>;
  /** Adds a job whose message is somewhere else. */
  add(job: { readonly id: string; readonly text: string }, error: Problem): Promise<void>;
  /** Moves a message there that is no job. */
  refuse(delivery: Delivery): Promise<void>;
  /** Takes the message of a job out that is queued again: not at once, but before `close` resolves. */
  takeOut(id: string): void;
  close(): Promise<void>;
}

export interface DeadLettersOptions {
  readonly publisher: Publisher;
  readonly topology: Topology;
  readonly resultTtlMs: number;
  readonly warn: Warn;
}

/** How long one look through the queue waits for more to take out, in milliseconds. */
const gatherMs = 100;

/** Keeps the queue in step with the list. A message stays there for as long as its job is kept. */
export function createDeadLetters({
  publisher,
  topology,
  resultTtlMs,
  warn,
}: DeadLettersOptions): DeadLetters {
  let leaving = new Set<string>();
  let looking = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;

  function send(id: string, text: string, { code, detail }: Problem): Promise<Sending> {
    const reason = { 'skillgate-reason': code, 'skillgate-detail': detail };
    return publisher.sendDead(text, reason, { id, ttlMs: resultTtlMs });
  }

  /** Goes through all messages once. Those that stay are held until the end, and given back with the channel. */
  async function look(ids: ReadonlySet<string>): Promise<void> {
    const { connection } = await publisher.link.open();
    const channel: Channel = await connection.acquire({ emitErrorsFromChannel: true });
    try {
      const { messageCount } = await channel.queueDeclare({ queue: topology.dead, passive: true });
      for (let seen = 0; seen < messageCount; seen += 1) {
        const message = await channel.basicGet({ queue: topology.dead });
        if (message === undefined) return;
        const { messageId } = message;
        if (messageId !== undefined && ids.has(messageId))
          channel.basicAck({ deliveryTag: message.deliveryTag });
      }
    } finally {
      await channel.close();
    }
  }

  function lookNow(): void {
    clearTimeout(timer);
    timer = undefined;
    const ids = leaving;
    leaving = new Set();
    if (ids.size === 0) return;
    looking = looking
      .then(() => look(ids))
      // They are gone with their time.
      .catch((error: unknown) => warn('dead_letters_not_taken_out', error));
  }

  return {
    async put({ message, delivery }, error) {
      if ((await send(message.request.id, message.text, error)) === 'confirmed') delivery.ack();
      else delivery.requeue();
    },
    async add({ id, text }, error) {
      const sending = await send(id, text, error);
      if (sending !== 'confirmed') warn('dead_letter_not_kept', new Error(`RabbitMQ: ${sending}`));
    },
    async refuse(delivery) {
      const reason = { 'skillgate-reason': 'no_job', 'skillgate-detail': 'The message is not a job.' };
      if ((await publisher.sendDead(delivery.text, reason)) === 'confirmed') delivery.ack();
      else delivery.requeue();
    },
    takeOut(id) {
      leaving.add(id);
      timer ??= setTimeout(lookNow, gatherMs);
    },
    async close() {
      lookNow();
      await looking;
    },
  };
}
