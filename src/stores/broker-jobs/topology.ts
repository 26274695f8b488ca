import type { Connection } from 'rabbitmq-client';
import type { Logger } from '../../contracts/logger.ts';
import { codeOf, reasonOf } from './broker-link.ts';

/** The queues of the jobs. All are quorum queues: what is in them outlives a restart and the loss of a node. */
export interface Topology {
  /** Jobs that wait for a worker. */
  readonly main: string;
  /** Jobs that were given up, and messages that are no jobs. */
  readonly dead: string;
  /** Declares both. */
  declare(connection: Connection): Promise<void>;
  /**
   * Declares the queue in which a message spends so many milliseconds, or a part of them, before it is in the main queue.
   *
   * @returns the queue's name
   */
  declareDelay(connection: Connection, ms: number): Promise<string>;
  /** Uses a delay queue no more for a while, since the broker does not confirm what is sent to it. */
  avoid(queue: string): void;
}

export interface TopologyOptions {
  /** The main queue's name, and the beginning of the others'. */
  readonly name: string;
  readonly queueMax: number;
  readonly logger: Logger;
}

/** The delays that there are queues for, in milliseconds. */
const levelsMs = Array.from({ length: 14 }, (_, index) => 50 * 2 ** index);
/** How long a queue is avoided, in milliseconds. */
const avoidMs = 60_000;

/** RabbitMQ 4 gives a message up after 20 deliveries, and 3 never; here hand-backs count for nothing. */
const deliveryLimit = 1_000_000_000;

/** Names the queues, and declares them where they are needed. */
export function createTopology({ name, queueMax, logger }: TopologyOptions): Topology {
  const dead = `${name}.dead`;
  const declared = new WeakMap<Connection, Map<number, Promise<void>>>();
  const avoidedUntil = new Map<string, number>();

  /** A declaration that does not fit costs the channel, so that it has one of its own. */
  async function declareQueue(connection: Connection, queue: string, more: object): Promise<void> {
    const channel = await connection.acquire({ emitErrorsFromChannel: true });
    try {
      await channel.queueDeclare({ queue, durable: true, arguments: { 'x-queue-type': 'quorum', ...more } });
    } catch (error) {
      if (codeOf(error) !== 'PRECONDITION_FAILED') throw error;
      // It is there, with another JOB_QUEUE_MAX or as the operator made it.
      logger.warn({ queue, reason: reasonOf(error) }, 'amqp_queue_differs');
    } finally {
      await channel.close();
    }
  }

  function declareDelayQueue(connection: Connection, ms: number): Promise<void> {
    return declareQueue(connection, delayName(ms), {
      'x-message-ttl': ms,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': name,
      // A message stays here until it is in the main queue, however full that is.
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    });
  }

  function delayName(ms: number): string {
    return `${name}.delay.${ms}`;
  }

  /**
   * The longest of the delays that is not longer than asked, where there is one: the rest is waited for when the message
   * is back.
   */
  function levelFor(ms: number): number {
    const now = performance.now();
    const usable = levelsMs.filter((level) => (avoidedUntil.get(delayName(level)) ?? 0) <= now);
    return usable.findLast((level) => level <= ms) ?? usable[0] ?? Math.max(...levelsMs);
  }

  return {
    main: name,
    dead,
    async declare(connection) {
      await declareQueue(connection, dead, { 'x-delivery-limit': deliveryLimit });
      await declareQueue(connection, name, {
        'x-max-length': queueMax,
        'x-overflow': 'reject-publish',
        'x-delivery-limit': deliveryLimit,
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': dead,
      });
    },
    async declareDelay(connection, ms) {
      const level = levelFor(ms);
      const known = declared.get(connection) ?? new Map<number, Promise<void>>();
      declared.set(connection, known);
      const declaring = known.get(level) ?? declareDelayQueue(connection, level);
      known.set(level, declaring);
      await declaring.catch((error: unknown) => {
        known.delete(level);
        throw error;
      });
      return delayName(level);
    },
    avoid(queue) {
      avoidedUntil.set(queue, performance.now() + avoidMs);
    },
  };
}
