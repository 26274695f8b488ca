import { afterAll, beforeAll } from 'vitest';
import type { JobBackend, JobBackendOptions } from '../../src/contracts/jobs.ts';
import type { Logger } from '../../src/contracts/logger.ts';
import { fixedSecret } from '../../src/lib/secret.ts';
import { openBrokerJobs } from '../../src/stores/broker-jobs.ts';
import { type RabbitServer, startRabbit } from '../servers/rabbitmq.ts';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { describeJobBackend } from './job-backend-contract.ts';
import type { JobStorage } from './job-contract-setup.ts';

let rabbit: RabbitServer;
let redis: RedisServer;
let lastName = 0;

beforeAll(async () => {
  [rabbit, redis] = await Promise.all([startRabbit(), startRedis('--appendonly', 'yes')]);
}, 240_000);
afterAll(() => Promise.all([rabbit.close(), redis.close()]));

const silent = () => undefined;
const logger: Logger = { debug: silent, info: silent, warn: silent, error: silent };

function open(name: string, options: JobBackendOptions): Promise<JobBackend> {
  return openBrokerJobs({
    ...options,
    name,
    amqpUrl: fixedSecret(rabbit.url),
    redisUrl: fixedSecret(redis.url),
    logger,
  });
}

async function makeStorage(): Promise<JobStorage> {
  lastName += 1;
  const name = `jobs-${lastName}`;
  return { open: (options) => open(name, options) };
}

describeJobBackend('RabbitMQ with Redis', makeStorage);
