import { Connection } from 'rabbitmq-client';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { JobBackend } from '../../src/contracts/jobs.ts';
import { fixedSecret } from '../../src/lib/secret.ts';
import { type BrokerJobsOptions, openBrokerJobs } from '../../src/stores/broker-jobs.ts';
import { type RabbitServer, startRabbit } from '../servers/rabbitmq.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';

/** Queues and keys of one test's own. */
export interface BrokerStorage {
  readonly name: string;
  /** Opens them as a process of its own, until the test ends. */
  open(options?: Partial<BrokerJobsOptions>): Promise<JobBackend>;
}

/** One RabbitMQ and one Redis for the tests of a file. */
export interface BrokerServers {
  readonly rabbit: RabbitServer;
  readonly redis: RedisServer;
  storage(): BrokerStorage;
  /** A connection past the backend, until the test ends. */
  connect(): Connection;
}

const silent = () => undefined;

/** Starts both before the first test. */
export function brokerServersOfThisFile(): BrokerServers {
  let servers: readonly [RabbitServer, RedisServer] | undefined;
  let lastName = 0;
  beforeAll(async () => {
    servers = await Promise.all([startRabbit(), startRedis('--appendonly', 'yes')]);
  }, 240_000);
  afterAll(() => servers && Promise.all(servers.map((server) => server.close())));
  const running = () => {
    if (servers === undefined) throw new Error('The servers have not been started yet');
    return servers;
  };
  return {
    get rabbit() {
      return running()[0];
    },
    get redis() {
      return running()[1];
    },
    storage() {
      lastName += 1;
      const name = `jobs-${lastName}`;
      const [rabbit, redis] = running();
      return {
        name,
        async open(options = {}) {
          const backend = await openBrokerJobs({
            queueMax: 100,
            leaseMs: 10_000,
            maxAttempts: 3,
            resultTtlMs: 60_000,
            warn: silent,
            name,
            amqpUrl: fixedSecret(rabbit.url),
            redisUrl: fixedSecret(redis.url),
            logger: { debug: silent, info: silent, warn: silent, error: silent },
            ...options,
          });
          onTestFinished(() => backend.close());
          return backend;
        },
      };
    },
    connect() {
      const connection = new Connection(running()[0].url);
      onTestFinished(() => connection.unsafeDestroy());
      return connection;
    },
  };
}
