import { join } from 'node:path';
import { startRabbit } from '../test/servers/rabbitmq.ts';
import { startRedis } from '../test/servers/redis.ts';
import { startSkillgate } from './gateways.ts';
import { acceptedRow, fillQueue, jobsPath, queued, queueRow, runQueue } from './jobs.ts';
import { closedLoop } from './load.ts';
import type { Row } from './report.ts';

/** What accepting and running jobs costs on RabbitMQ and Redis, which share the load's core. */
export async function brokerJobRows(
  modelServerPort: number,
  folder: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Row[]> {
  const accepting = await startStores();
  const env = { ...accepting.env, JOB_CONCURRENCY: '0', JOB_QUEUE_MAX: '10000000' };
  const gateway = await startSkillgate(modelServerPort, join(folder, 'accepting'), { env });
  const target = { ...gateway, path: jobsPath };
  const load = { connections, sharesCore: true };
  // RabbitMQ and Redis warm up as well.
  await closedLoop(target, (source) => source.miss(), { ...load, seconds: 1 });
  const result = await closedLoop(target, (source) => source.miss(), { ...load, seconds });
  await gateway.stop();
  await accepting.close();

  const running = await startStores();
  const keeping = await startSkillgate(modelServerPort, join(folder, 'keeping'), {
    env: { ...running.env, JOB_CONCURRENCY: '0', JOB_QUEUE_MAX: String(queued) },
  });
  const grown = await fillQueue(keeping, connections);
  await keeping.stop();
  const took = await runQueue(modelServerPort, join(folder, 'running'), running.env);
  await running.close();

  const where = 'gateway on core 0; RabbitMQ, Redis and load on core 1';
  return [
    acceptedRow(`jobs accepted (RabbitMQ, confirmed, ${connections} connections; ${where})`, result),
    queueRow(grown),
    { what: `those ${queued.toLocaleString('en')} run by one worker, start included`, measured: took },
  ];
}

/** A RabbitMQ and a Redis with nothing in them. */
async function startStores() {
  const [rabbit, redis] = await Promise.all([startRabbit(), startRedis('--appendonly', 'yes')]);
  return {
    env: { AMQP_URL: rabbit.url, REDIS_URL: redis.url },
    async close() {
      await Promise.all([rabbit.close(), redis.close()]);
    },
  };
}
