import type { JobBackend, JobBackendOptions } from '../contracts/jobs.ts';
import type { Logger } from '../contracts/logger.ts';
import { every } from '../lib/every.ts';
import type { Secret } from '../lib/secret.ts';
import { createConsumer } from './broker-jobs/consumer.ts';
import { createDeadLetters } from './broker-jobs/dead-letters.ts';
import { createDelays } from './broker-jobs/delays.ts';
import { createJobChannels } from './broker-jobs/job-channels.ts';
import { createOutbox } from './broker-jobs/outbox.ts';
import { createPublisher } from './broker-jobs/publisher.ts';
import { createRecords } from './broker-jobs/records.ts';
import { openRedisLink } from './broker-jobs/redis-link.ts';
import { createRuns } from './broker-jobs/runs.ts';
import { createTakeOver } from './broker-jobs/take-over.ts';
import { createTaker, type Taker } from './broker-jobs/taker.ts';
import { createTopology } from './broker-jobs/topology.ts';
import { sweepIntervalMs } from './sweep-interval.ts';
import { createWatchSet } from './watch-set.ts';

export interface BrokerJobsOptions extends JobBackendOptions {
  /** The RabbitMQ that has the queue. */
  readonly amqpUrl: Secret;
  /** The Redis that has states and results. */
  readonly redisUrl: Secret;
  readonly logger: Logger;
  /** What the queues and keys are named after. */
  readonly name?: string;
  /** How long the start waits for a server that cannot be reached, in milliseconds. */
  readonly startMs?: number;
}

/** How often jobs are looked for that have no message, in milliseconds. */
const outboxMs = 3000;

/**
 * Keeps the queue in RabbitMQ, and states and results in Redis. Redis decides: a message only brings a job to a worker,
 * and is settled after what became of the job is stored. So a message may come twice or late, and the job runs once.
 *
 * @throws JobBackendError where one of the two refuses the credentials, or cannot be reached
 */
export async function openBrokerJobs(options: BrokerJobsOptions): Promise<JobBackend> {
  const { amqpUrl, redisUrl, logger, warn, leaseMs, renewMs = leaseMs / 3, resultTtlMs } = options;
  const { name = 'skillgate.jobs', startMs = 10_000 } = options;
  const prefix = `{${name}}:`;
  const topology = createTopology({ name, queueMax: options.queueMax, logger });
  const link = await openRedisLink({ url: redisUrl, startMs, logger });
  const publisher = createPublisher({ url: amqpUrl, topology, logger });
  try {
    await publisher.link.started(startMs);
  } catch (error) {
    await Promise.all([publisher.link.close(), link.close()]);
    throw error;
  }

  const onFailure = (event: string) => (error: unknown) => warn(event, error);
  const due = createWatchSet(() => taker.rest());
  const records = createRecords({ ...options, link, prefix });
  const outbox = createOutbox({ records, publisher, logger });
  const delays = createDelays({ publisher, records, logger });
  const deadLetters = createDeadLetters({ publisher, topology, resultTtlMs, warn });
  const runs = createRuns({ records, deadLetters, delays });
  const takeOver = createTakeOver({ ...options, link, records, outbox, deadLetters });
  const consumer = createConsumer({
    url: amqpUrl,
    topology,
    onDelivery: (delivery) => taker.receive(delivery),
    logger,
  });
  const taker: Taker = createTaker({ records, consumer, delays, deadLetters, runs, onDue: due.tell, warn });
  const channels = createJobChannels({
    link,
    prefix,
    onLost: (id) => void runs.check(id).catch(onFailure('job_leases_unchecked')),
    logger,
  });
  const timers = [
    every(renewMs, runs.renew, onFailure('job_leases_not_renewed')),
    every(leaseMs / 3, takeOver, onFailure('job_takeover_failed')),
    every(outboxMs, outbox.look, onFailure('job_outbox_failed')),
    every(sweepIntervalMs(resultTtlMs), records.sweep, onFailure('job_sweep_failed')),
  ];

  return {
    submit: outbox.submit,
    find: records.find,
    list: records.list,
    events: records.events,
    counts: records.counts,
    watch: channels.watch,
    async cancel(id, callerId) {
      await records.cancel(id, callerId);
      return records.find(id, callerId);
    },
    take: taker.take,
    watchDue: async () => due.watch(),
    listDead: records.listDead,
    async retryDead(id) {
      const text = await records.retryDead(id);
      if (text === null) return false;
      // Where the broker is away, the outbox sends it later.
      await outbox.send(id, text);
      deadLetters.takeOut(id);
      return true;
    },
    async close() {
      for (const timer of timers) clearInterval(timer);
      await deadLetters.close();
      await Promise.all([consumer.close(), publisher.link.close()]);
      await link.close();
    },
  };
}
