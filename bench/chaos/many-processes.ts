import { startRabbit } from '../../test/servers/rabbitmq.ts';
import { startRedis } from '../../test/servers/redis.ts';
import { freePort } from '../gateways.ts';
import type { Row } from '../report.ts';
import { type Fault, strikeEvenly } from './faults.ts';
import { judge, submitAll } from './jobs.ts';
import { startUnreliableModel } from './model.ts';
import type { ChaosOptions } from './one-process.ts';
import { startVictim } from './process.ts';
import { skillName, writeSkill } from './skill.ts';
import { verdictRows } from './verdict-rows.ts';

const gatewayCount = 2;
const workerCount = 3;
const pauseMs = 5000;

/**
 * RabbitMQ and Redis, two gateways that only accept, three workers: the workers are killed again and again, RabbitMQ is
 * killed and started again, Redis is paused, and later killed and started again.
 */
export async function manyProcessesRows(
  folder: string,
  { jobs: count, kills }: ChaosOptions,
): Promise<Row[]> {
  const [model, rabbit, redis] = await Promise.all([
    startUnreliableModel(),
    startRabbit(),
    startRedis('--appendonly', 'yes'),
  ]);
  const shared = {
    AMQP_URL: rabbit.url,
    REDIS_URL: redis.url,
    SKILLS_DIR: await writeSkill(folder, model.port),
    JOB_LEASE_MS: '2000',
    JOB_RETRY_BASE_MS: '50',
  };
  const ports = await Promise.all(Array.from({ length: gatewayCount }, freePort));
  const gateways = await Promise.all(
    ports.map((port) => startVictim('serve', { ...shared, PORT: String(port), JOB_CONCURRENCY: '0' })),
  );
  const workers = await Promise.all(Array.from({ length: workerCount }, () => startVictim('worker', shared)));

  const urls = ports.map((port) => `http://127.0.0.1:${port}`);
  const start = performance.now();
  const kill = Array.from({ length: kills }, (_, number): Fault => {
    const worker = workers[number % workerCount];
    return async () => worker?.kill();
  });
  let brokerAwaySeconds = 0;
  const faults = between(kill, [
    () => redis.pause(pauseMs),
    async () => {
      const killedAt = performance.now();
      await rabbit.restart('SIGKILL');
      brokerAwaySeconds = (performance.now() - killedAt) / 1000;
    },
    () => redis.restart('SIGKILL'),
  ]);
  const [jobs] = await Promise.all([submitAll(urls, skillName, count), strikeEvenly(faults, model, count)]);
  const verdict = await judge(urls, jobs, model);
  const seconds = (performance.now() - start) / 1000;
  await Promise.all([...gateways, ...workers].map((victim) => victim.stop()));
  await Promise.all([rabbit.close(), redis.close()]);
  model.close();
  const what = `RabbitMQ and Redis, ${gatewayCount} gateways and ${workerCount} workers`;
  return [
    {
      what: `${what}: what befell them`,
      measured:
        `workers killed ${kills} times, RabbitMQ killed once (away for ${brokerAwaySeconds.toFixed(1)} s), ` +
        `Redis paused for ${pauseMs / 1000} s and killed once`,
    },
    ...verdictRows(what, count, verdict, model, seconds),
  ];
}

/** Puts the others one by one behind the first, second, third … of the faults. */
function between(faults: readonly Fault[], others: readonly Fault[]): Fault[] {
  return [
    ...faults.flatMap((fault, index) => [fault, ...others.slice(index, index + 1)]),
    ...others.slice(faults.length),
  ];
}
