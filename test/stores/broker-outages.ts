import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { JobBackendError } from '../../src/contracts/jobs.ts';
import { fixedSecret } from '../../src/lib/secret.ts';
import { unusedPort } from '../servers/listen.ts';
import { startRelay } from '../servers/relay.ts';
import type { BrokerServers } from './broker-servers.ts';
import {
  accept,
  jobRequest,
  statusOf,
  success,
  takeOne,
  takeSome,
  until,
  want,
} from './job-contract-setup.ts';

const key = { key: 'order-1', inputDigest: 'digest-1' };
const overloaded = expect.objectContaining({ code: 'overloaded', retryAfterMs: expect.any(Number) });

/** What jobs in RabbitMQ and Redis owe those who use them while one of the two is not there. */
export function describeOutages(servers: BrokerServers): void {
  const { storage, connect } = servers;

  describe('at its start', () => {
    const away = async () => fixedSecret(`amqp://user:hunter2@127.0.0.1:${await unusedPort()}`);

    it('says that RabbitMQ refuses the credentials, and shows none', async () => {
      const amqpUrl = fixedSecret(servers.rabbit.url.replace('guest:guest', 'guest:hunter2'));
      const opening = storage().open({ amqpUrl });
      await expect(opening).rejects.toThrow(JobBackendError);
      await expect(opening).rejects.toThrow(
        /RabbitMQ of the jobs \(AMQP_URL, .*\) cannot be used: .*ACCESS_REFUSED/,
      );
      await expect(opening).rejects.not.toThrow('hunter2');
    });

    it('says that a virtual host is not there', async () => {
      const amqpUrl = fixedSecret(`${servers.rabbit.url}/elsewhere`);
      await expect(storage().open({ amqpUrl })).rejects.toThrow(/vhost elsewhere not found/);
    });

    it('says that Redis refuses the credentials, and shows none', async () => {
      const redisUrl = fixedSecret(servers.redis.url.replace('//', '//somebody:hunter2@'));
      const opening = storage().open({ redisUrl });
      await expect(opening).rejects.toThrow(/Redis of the jobs \(REDIS_URL, .*\) cannot be used: WRONGPASS/);
      await expect(opening).rejects.not.toThrow('hunter2');
    });

    it('says which of the two cannot be reached', async () => {
      const amqpUrl = await away();
      await expect(storage().open({ amqpUrl, startMs: 300 })).rejects.toThrow(/AMQP_URL, .* ECONNREFUSED/);
      const redisUrl = fixedSecret(`redis://127.0.0.1:${await unusedPort()}`);
      await expect(storage().open({ redisUrl, startMs: 300 })).rejects.toThrow(/REDIS_URL, .* ECONNREFUSED/);
    });
  });

  describe('while RabbitMQ is away', () => {
    it('refuses jobs, stores the ends of runs, and goes on when it is back', async () => {
      const { open } = storage();
      const [gateway, worker] = [await open(), await open()];
      const [running, waiting] = [await accept(gateway), await accept(gateway)];
      const [execution] = await takeSome(worker, want({ count: 1 }));
      const watch = await worker.watchDue();
      onTestFinished(() => watch.close());
      await servers.rabbit.stop();
      await expect(gateway.submit(jobRequest(), key)).rejects.toEqual(overloaded);
      expect(await execution?.end(success)).toBe(true);
      expect(await statusOf(gateway, running)).toBe('succeeded');
      expect((await gateway.counts()).queued).toBe(1);
      await servers.rabbit.start();
      const taken: string[] = [];
      await until(watch, async () => {
        for (const { request } of await worker.take(want())) taken.push(request.id);
        return taken.length > 0;
      });
      expect(taken).toEqual([waiting.id]);
      await vi.waitFor(
        async () => expect(await gateway.submit(jobRequest(), key)).toMatchObject({ kind: 'accepted' }),
        {
          timeout: 10_000,
          interval: 100,
        },
      );
    }, 40_000);

    it('keeps a job whose confirmation was lost, and gives it to a repeat', async () => {
      const relay = await startRelay(servers.rabbit.port);
      onTestFinished(() => relay.close());
      const { open } = storage();
      const behind = await open({ amqpUrl: fixedSecret(`amqp://guest:guest@127.0.0.1:${relay.port}`) });
      relay.setAnswering(false);
      const request = jobRequest();
      const submitted = expect(behind.submit(request, key)).rejects.toEqual(overloaded);
      await vi.waitFor(async () => expect(await statusOf(behind, request)).toBe('queued'));
      await new Promise((resolve) => setTimeout(resolve, 50));
      relay.setAnswering(true);
      relay.cut();
      await submitted;
      const other = await open();
      expect(await other.submit(jobRequest(), key)).toMatchObject({
        kind: 'repeated',
        job: { id: request.id },
      });
      const execution = await takeOne(other);
      expect(execution.request).toEqual(request);
      expect(await execution.end(success)).toBe(true);
      expect(await other.take(want())).toEqual([]);
    });

    it('declares its queue again when somebody has deleted it', async () => {
      const { name, open } = storage();
      const [gateway, worker] = [await open(), await open()];
      const watch = await worker.watchDue();
      onTestFinished(() => watch.close());
      await worker.take(want());
      await connect().queueDelete(name);
      await expect(gateway.submit(jobRequest(), undefined)).rejects.toEqual(overloaded);
      const request = jobRequest();
      await vi.waitFor(async () =>
        expect(await gateway.submit(request, undefined)).toMatchObject({ kind: 'accepted' }),
      );
      const taken: string[] = [];
      await until(watch, async () => {
        for (const execution of await worker.take(want())) taken.push(execution.request.id);
        return taken.length > 0;
      });
      expect(taken).toEqual([request.id]);
    });
  });

  describe('while Redis is away', () => {
    it('fails within two seconds, and goes on with all that it had', async () => {
      const { open } = storage();
      const backend = await open();
      const [first, second] = [await accept(backend), await accept(backend)];
      const [execution] = await takeSome(backend, want({ count: 1 }));
      const watch = await backend.watch(second.id);
      onTestFinished(() => watch.close());
      // What is not synced yet is lost with the process: appendfsync is once a second.
      await new Promise((resolve) => setTimeout(resolve, 1100));
      await servers.redis.stop('SIGKILL');
      const askedAt = performance.now();
      await expect(backend.submit(jobRequest(), undefined)).rejects.toEqual(overloaded);
      await expect(execution?.end(success)).rejects.toEqual(overloaded);
      expect(performance.now() - askedAt).toBeLessThan(5000);
      await servers.redis.start();
      // It may have missed something.
      await watch.changed(AbortSignal.timeout(5000));
      expect(await execution?.end(success)).toBe(true);
      expect(await statusOf(backend, first)).toBe('succeeded');
      expect((await takeOne(backend)).request).toEqual(second);
    });
  });
}
