import type { Envelope as ClientEnvelope, ReturnedMessage } from 'rabbitmq-client';
import type { Logger } from '../../contracts/logger.ts';
import type { Secret } from '../../lib/secret.ts';
import { within } from '../../lib/within.ts';
import { type BrokerLink, codeOf, createBrokerLink, type OpenChannel, reasonOf } from './broker-link.ts';
import type { Topology } from './topology.ts';

/** What became of a message. */
export type Sending =
  /** The broker has it for good. */
  | 'confirmed'
  /** The queue is as long as it may be. */
  | 'refused'
  /** It surely did not reach a queue. */
  | 'unsent'
  /** It may have. */
  | 'unknown';

/** Sends messages for good. */
export interface Publisher {
  /** To the main queue. */
  send(id: string, text: string): Promise<Sending>;
  /** To the main queue after so many milliseconds, or a part of them. */
  sendLater(id: string, text: string, ms: number): Promise<Sending>;
  /** To the queue of those given up, with the reason. A job stays there for so long at most, in milliseconds. */
  sendDead(
    text: string,
    reason: DeadReason,
    job?: { readonly id: string; readonly ttlMs: number },
  ): Promise<Sending>;
  /** Whether nothing is in the main queue, as far as the broker can be asked. */
  isMainEmpty(): Promise<boolean>;
  /** The connection of the publisher. */
  readonly link: BrokerLink;
}

/** The headers of a message in the queue of those given up. */
export interface DeadReason {
  readonly 'skillgate-reason': string;
  readonly 'skillgate-detail': string;
}

/** Where a message goes, and what goes with it. */
interface Envelope extends ClientEnvelope {
  /** The queue. */
  readonly routingKey: string;
}

export interface PublisherOptions {
  readonly url: Secret;
  readonly topology: Topology;
  readonly logger: Logger;
}

/** How long a confirmation is waited for, in milliseconds: a quorum queue syncs to the disk first. */
const confirmMs = 5000;

/** Begins to connect. */
export function createPublisher({ url, topology, logger }: PublisherOptions): Publisher {
  const returned = new Set<string>();
  let lastSerial = 0;

  async function prepare({ connection, channel }: OpenChannel): Promise<void> {
    await topology.declare(connection);
    await channel.confirmSelect();
    channel.on('basic.return', ({ correlationId }: ReturnedMessage) => {
      if (correlationId !== undefined) returned.add(correlationId);
    });
  }

  const link = createBrokerLink({ url, name: 'jobs: publish', prepare, logger });

  /** What to make of a message that the broker has not confirmed. */
  function doubt(error: unknown, open: OpenChannel, queue: string): Sending {
    if (codeOf(error) === 'NACK') return 'refused';
    logger.debug({ queue, reason: reasonOf(error) }, 'amqp_not_confirmed');
    if (link.current?.channel === open.channel && open.connection.ready) {
      // The broker hangs, or this one queue does, and with it all that was sent after: RabbitMQ 3.10 keeps a queue
      // like that where it was killed in the moment of its declaration.
      logger.warn({ queue }, 'amqp_queue_silent');
      if (queue !== topology.main) topology.avoid(queue);
      link.renew(open);
    }
    return 'unknown';
  }

  async function publish(open: OpenChannel, envelope: Envelope, text: string): Promise<Sending> {
    lastSerial += 1;
    const correlationId = `${lastSerial}`;
    const whole = { ...envelope, correlationId, mandatory: true, durable: true, contentType: 'text/plain' };
    try {
      await within(open.channel.basicPublish(whole, Buffer.from(text)), confirmMs);
    } catch (error) {
      return doubt(error, open, envelope.routingKey);
    }
    // The client tells of a message that came back one turn later than of its confirmation.
    await new Promise(setImmediate);
    if (!returned.delete(correlationId)) return 'confirmed';
    // Somebody has deleted the queue.
    link.renew(open);
    return 'unsent';
  }

  async function send(text: string, address: (open: OpenChannel) => Promise<Envelope>): Promise<Sending> {
    let open: OpenChannel;
    let envelope: Envelope;
    try {
      open = await link.open();
      envelope = await address(open);
    } catch (error) {
      logger.debug({ reason: reasonOf(error) }, 'amqp_not_sent');
      return 'unsent';
    }
    // A broker that is short of memory or disk reads nothing more, and what is written to it piles up here.
    if (!open.channel.active || !open.connection.ready) return 'unsent';
    return publish(open, envelope, text);
  }

  return {
    link,
    async isMainEmpty() {
      const open = link.current;
      if (!open?.channel.active) return false;
      const { messageCount } = await open.channel.queueDeclare({ queue: topology.main, passive: true });
      return messageCount === 0;
    },
    send: (id, text) => send(text, async () => ({ routingKey: topology.main, messageId: id })),
    sendLater: (id, text, ms) =>
      send(text, async ({ connection }) => ({
        routingKey: await topology.declareDelay(connection, ms),
        messageId: id,
      })),
    sendDead: (text, reason, job) =>
      send(text, async () => ({
        routingKey: topology.dead,
        headers: { ...reason },
        ...(job && { messageId: job.id, expiration: `${job.ttlMs}` }),
      })),
  };
}
