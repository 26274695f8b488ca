import { Redis } from 'ioredis';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { toMessage } from '../../src/stores/broker-jobs/message.ts';
import { describeOutages } from './broker-outages.ts';
import { brokerServersOfThisFile } from './broker-servers.ts';
import { describeJobBackend } from './job-backend-contract.ts';
import {
  accept,
  jobRequest,
  problem,
  statusOf,
  success,
  takeOne,
  takeSome,
  until,
  want,
} from './job-contract-setup.ts';

const servers = brokerServersOfThisFile();
const { storage, connect } = servers;

describeJobBackend('RabbitMQ with Redis', async () => storage());

const key = { key: 'order-1', inputDigest: 'digest-1' };

/** How many messages are ready in a queue. */
async function lengthOf(queue: string): Promise<number> {
  return (await connect().queueDeclare({ queue, passive: true })).messageCount;
}

/** Publishes past the backend, and waits until the broker has it. */
async function publish(queue: string, ...bodies: readonly (string | Buffer | object)[]): Promise<void> {
  const publisher = connect().createPublisher({ confirm: true });
  for (const body of bodies) await publisher.send({ routingKey: queue, durable: true }, body);
}

/** Does something to Redis past the backend. */
async function withRedis(use: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(servers.redis.url);
  await use(redis);
  redis.disconnect();
}

const loseRecords = () => withRedis((redis) => redis.flushall());

describe('a message', () => {
  it('that comes twice makes one run', async () => {
    const { name, open } = storage();
    const [first, second] = [await open(), await open()];
    const request = jobRequest();
    await first.submit(request, undefined);
    await publish(name, Buffer.from(toMessage(request, undefined).text));
    const execution = await takeOne(first);
    expect(await second.take(want())).toEqual([]);
    await execution.end(success);
    const watch = await second.watchDue();
    onTestFinished(() => watch.close());
    await vi.waitFor(async () => expect(await lengthOf(name)).toBe(0));
    expect(await second.take(want())).toEqual([]);
    expect(await second.find(request.id, 'ann')).toMatchObject({ status: 'succeeded', attempts: 1 });
  });

  it('makes the record anew that Redis has lost, with its key', async () => {
    const { open } = storage();
    const backend = await open();
    const request = jobRequest({ inputJson: '{"text":"日本語"}' });
    await backend.submit(request, key);
    await loseRecords();
    expect(await statusOf(backend, request)).toBeUndefined();
    const execution = await takeOne(backend);
    expect(execution).toMatchObject({ request, attempt: 1 });
    expect(await execution.end(success)).toBe(true);
    expect(await statusOf(backend, request)).toBe('succeeded');
    expect(await backend.submit(jobRequest(), key)).toMatchObject({
      kind: 'repeated',
      job: { id: request.id },
    });
  });

  it('makes a job run again whose record was lost while it ran', async () => {
    const { open } = storage();
    const backend = await open();
    const request = await accept(backend);
    const lost = await takeOne(backend);
    await loseRecords();
    expect(await lost.end(success)).toBe(false);
    const again = await takeOne(backend);
    expect(again.request).toEqual(request);
    expect(await again.end(success)).toBe(true);
  });

  it('is sent again where the broker has lost it', async () => {
    const { name, open } = storage();
    const backend = await open();
    const { id } = await accept(backend);
    await connect().queuePurge(name);
    await withRedis((redis) => redis.zadd(`{${name}}:queued`, Date.now() - 180_000, id));
    expect((await takeOne(backend)).request.id).toBe(id);
  });

  it('that is older than results are kept makes no record', async () => {
    const { name, open } = storage();
    const backend = await open({ resultTtlMs: 1000 });
    const old = toMessage(jobRequest({ createdAtMs: Date.now() - 5000 }), undefined);
    await publish(name, Buffer.from(old.text));
    const young = await accept(backend);
    expect((await takeOne(backend)).request.id).toBe(young.id);
  });

  it('that is no job is put aside with the reason', async () => {
    const { name, open } = storage();
    const warn = vi.fn();
    const backend = await open({ warn });
    await publish(name, 'no job', { id: 1 }, '{"id":"1"}\n{}', 'null\n1');
    const request = await accept(backend);
    expect((await takeOne(backend)).request).toEqual(request);
    await vi.waitFor(async () => expect(await lengthOf(`${name}.dead`)).toBe(4));
    const first = await connect().basicGet(`${name}.dead`);
    expect(first).toMatchObject({ body: 'no job', headers: { 'skillgate-reason': 'no_job' } });
    expect(warn).toHaveBeenCalledTimes(4);
    expect(warn).toHaveBeenCalledWith('job_message_unreadable', expect.any(Error));
  });
});

describe('a dead job', () => {
  it('has its message among the dead with the reason, until it is queued again', async () => {
    const { name, open } = storage();
    const backend = await open();
    const [dead, kept] = [await accept(backend), await accept(backend)];
    for (const execution of await takeSome(backend)) {
      await execution.end({ status: 'failed', error: problem, dead: true, version: '1.0.0' });
    }
    await vi.waitFor(async () => expect(await lengthOf(`${name}.dead`)).toBe(2));
    const operator = await open();
    expect(await operator.retryDead(dead.id)).toBe(true);
    await operator.close();
    expect((await takeOne(backend)).request).toEqual(dead);
    const left = await connect().basicGet(`${name}.dead`);
    expect(left).toMatchObject({
      messageId: kept.id,
      headers: { 'skillgate-reason': problem.code, 'skillgate-detail': problem.detail },
    });
    expect(await lengthOf(`${name}.dead`)).toBe(0);
  });
});

describe('a job without a place', () => {
  it('is in nobody’s way, and comes when there is one', async () => {
    const { open } = storage();
    const backend = await open();
    const limited = [];
    for (let count = 0; count < 5; count += 1) limited.push(await accept(backend));
    const other = await accept(backend, { skill: 'other' });
    const watch = await backend.watchDue();
    onTestFinished(() => watch.close());
    const taken: string[] = [];
    const take = async (places: number) => {
      for (const { request } of await backend.take(want({ count: 3, places: new Map([['echo', places]]) })))
        taken.push(request.id);
    };
    await until(watch, async () => {
      await take(0);
      return taken.includes(other.id);
    });
    expect(taken).toEqual([other.id]);
    await until(watch, async () => {
      await take(1);
      return taken.length === 6;
    });
    expect(new Set(taken)).toEqual(new Set([other.id, ...limited.map(({ id }) => id)]));
  });
});

it('refuses a job when the broker’s queue is full, and forgets it', async () => {
  const { open } = storage();
  const backend = await open({ queueMax: 2 });
  // Messages of cancelled jobs stay until a worker has seen them.
  for (let count = 0; count < 2; count += 1) await backend.cancel((await accept(backend)).id, 'ann');
  const kinds = [];
  for (let count = 0; count < 3; count += 1) kinds.push((await backend.submit(jobRequest(), undefined)).kind);
  expect(kinds.at(-1)).toBe('full');
  expect((await backend.counts()).queued).toBe(kinds.filter((kind) => kind === 'accepted').length);
});

it('goes on with a queue that was declared otherwise, and says so', async () => {
  const { open } = storage();
  await open({ queueMax: 5 });
  const warn = vi.fn();
  const logger = { debug: () => undefined, info: () => undefined, warn, error: () => undefined };
  const backend = await open({ queueMax: 6, logger });
  expect(warn).toHaveBeenCalledWith(expect.anything(), 'amqp_queue_differs');
  const request = await accept(backend);
  expect((await takeOne(backend)).request).toEqual(request);
});

describeOutages(servers);
