import type { AsyncMessage, Channel } from 'rabbitmq-client';
import type { Logger } from '../../contracts/logger.ts';
import type { Secret } from '../../lib/secret.ts';
import { type BrokerLink, createBrokerLink, reasonOf } from './broker-link.ts';
import type { Topology } from './topology.ts';

/** A message, until it is settled. */
export interface Delivery {
  readonly text: string;
  /** Whether it can still be settled; where not, the broker delivers it again by itself. */
  readonly isOpen: boolean;
  /** Done with it. */
  ack(): void;
  /** Gives it back: it is the next to be delivered, here or elsewhere. */
  requeue(): void;
}

/** Gets messages from the main queue. It connects when it is first started. */
export interface Consumer {
  /** Lets up to so many messages come that are not settled. Never less than before, until `pause`. */
  start(prefetch: number): void;
  /** Lets none come any more; those that came stay. */
  pause(): void;
  close(): Promise<void>;
}

export interface ConsumerOptions {
  readonly url: Secret;
  readonly topology: Topology;
  readonly onDelivery: (delivery: Delivery) => void;
  readonly logger: Logger;
}

interface Consuming {
  readonly channel: Channel;
  readonly consumerTag: string;
  readonly prefetch: number;
}

/** A consumer on a connection of its own: one that publishes is not read from while the broker is short of memory. */
export function createConsumer({ url, topology, onDelivery, logger }: ConsumerOptions): Consumer {
  let link: BrokerLink | undefined;
  let wanted = 0;
  let consuming: Consuming | undefined;
  let settling = Promise.resolve();

  function deliver(channel: Channel, { body, deliveryTag }: AsyncMessage): void {
    const delivery: Delivery = {
      text: Buffer.isBuffer(body) || typeof body === 'string' ? body.toString() : JSON.stringify(body),
      get isOpen() {
        return channel.active;
      },
      ack() {
        if (channel.active) channel.basicAck({ deliveryTag });
      },
      requeue() {
        if (channel.active) channel.basicNack({ deliveryTag, requeue: true });
      },
    };
    if (wanted === 0) delivery.requeue();
    else onDelivery(delivery);
  }

  /** Makes what there is into what is wanted. */
  async function settle(channel: Channel): Promise<void> {
    if (consuming?.channel !== channel) consuming = undefined;
    if (consuming && (wanted === 0 || wanted > consuming.prefetch)) {
      const { consumerTag } = consuming;
      consuming = undefined;
      await channel.basicCancel({ consumerTag });
    }
    if (!consuming && wanted > 0) {
      const prefetch = wanted;
      await channel.basicQos({ prefetchCount: prefetch });
      const { consumerTag } = await channel.basicConsume({ queue: topology.main }, (message) =>
        deliver(channel, message),
      );
      consuming = { channel, consumerTag, prefetch };
    }
  }

  function settleLater(): void {
    settling = settling.then(async () => {
      const open = link?.current;
      if (!open) return;
      try {
        await settle(open.channel);
      } catch (error) {
        logger.warn({ reason: reasonOf(error) }, 'amqp_not_consuming');
        link?.renew(open);
      }
    });
  }

  function connect(): BrokerLink {
    return createBrokerLink({
      url,
      name: 'jobs: consume',
      async prepare(open) {
        await topology.declare(open.connection);
        // Somebody has deleted the queue.
        open.channel.on('basic.cancel', () => link?.renew(open));
      },
      onOpen: settleLater,
      logger,
    });
  }

  return {
    start(prefetch) {
      if (prefetch <= wanted) return;
      wanted = prefetch;
      link ??= connect();
      settleLater();
    },
    pause() {
      wanted = 0;
      settleLater();
    },
    async close() {
      await link?.close();
    },
  };
}
