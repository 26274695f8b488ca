import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { strikeEvenly } from '../../bench/chaos/faults.ts';
import { judge, submitAll } from '../../bench/chaos/jobs.ts';
import { startUnreliableModel } from '../../bench/chaos/model.ts';
import { definitionOf, startApp } from '../app.ts';
import { startRabbit } from '../servers/rabbitmq.ts';
import { startRedis } from '../servers/redis.ts';
import { startWorkerProcess } from './worker-process.ts';

const jobCount = 200;

it('ends every accepted job exactly once, whatever befalls workers, RabbitMQ, Redis and the model', async () => {
  const [model, rabbit, redis] = await Promise.all([
    startUnreliableModel(),
    startRabbit(),
    startRedis('--appendonly', 'yes'),
  ]);
  onTestFinished(async () => {
    model.close();
    await Promise.all([rabbit.close(), redis.close()]);
  });
  const env = {
    AMQP_URL: rabbit.url,
    REDIS_URL: redis.url,
    JOB_LEASE_MS: '1000',
    JOB_RETRY_BASE_MS: '20',
  };
  const definition = definitionOf(`http://127.0.0.1:${model.port}`, {
    retry: { max_attempts: 1 },
    breaker: { failures: 1000 },
  });
  const fronts = await Promise.all(
    [1, 2].map(() => startApp([definition], { ...env, JOB_CONCURRENCY: '0' })),
  );
  const surroundings = { ...env, SKILLS_DIR: fronts[0]?.skillsDir ?? '', JOB_CONCURRENCY: '4' };
  const [worker] = await Promise.all([startWorkerProcess(surroundings), startWorkerProcess(surroundings)]);

  const urls = fronts.map(({ url }) => url);
  const faults = [
    async () => {
      worker.kill('SIGKILL');
      await once(worker, 'exit');
      await startWorkerProcess(surroundings);
    },
    () => redis.pause(1500),
    () => rabbit.restart(),
    () => redis.restart('SIGKILL'),
  ];
  const [jobs] = await Promise.all([
    submitAll(urls, definition.name, jobCount),
    strikeEvenly(faults, model, jobCount),
  ]);
  const verdict = await judge(urls, jobs, model);
  expect(verdict).toMatchObject({
    accepted: jobCount,
    made: jobCount,
    succeeded: jobCount,
    lost: 0,
    torn: 0,
  });
  expect(verdict.repeated).toBeGreaterThan(0);
}, 240_000);
