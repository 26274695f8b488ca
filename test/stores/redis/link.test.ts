import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import { findSecret } from '../../../src/config/secret-sources.ts';
import type { CacheEntry } from '../../../src/contracts/stores.ts';
import { unusedPort } from '../../servers/listen.ts';
import { startRedis } from '../../servers/redis.ts';
import { startRelay } from '../../servers/relay.ts';
import { openStores, redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();
const entry: CacheEntry = { skill: 'echo', canonicalInput: '1', json: '2' };

function recordingLogger() {
  return { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
}

async function behindRelay() {
  const relay = await startRelay(redis.port);
  onTestFinished(() => relay.close());
  const logger = recordingLogger();
  const stores = await openStores(`redis://127.0.0.1:${relay.port}`, { logger, timeoutMs: 40 });
  const answers = stores.answersOf({ name: 'echo', digest: randomUUID().replaceAll('-', '') });
  return { relay, logger, answers };
}

/** How long something takes, in milliseconds. */
async function timed(action: () => unknown): Promise<number> {
  const startedAt = performance.now();
  await action();
  return performance.now() - startedAt;
}

it('waits but a moment for a Redis that falls silent, then not at all, until it speaks again', async () => {
  const { relay, logger, answers } = await behindRelay();
  await vi.waitFor(async () => {
    await answers.set('key', entry, 60_000);
    expect(await answers.get('key')).toMatchObject(entry);
  });
  relay.setAnswering(false);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    expect(answers.isAway).toBe(false);
    expect(await answers.get('key')).toBeUndefined();
  }
  expect(answers.isAway).toBe(true);
  expect(await timed(() => answers.get('key'))).toBeLessThan(5);
  expect(logger.warn.mock.calls.map(([, event]) => event)).toEqual(['redis_away']);
  relay.setAnswering(true);
  relay.cut();
  await vi.waitFor(() => expect(answers.isAway).toBe(false), { timeout: 5000 });
  expect(await answers.get('key')).toMatchObject(entry);
  expect(logger.info.mock.calls.map(([, event]) => event)).toEqual(['redis_back']);
});

it('comes back on the same connection when Redis was only slow', async () => {
  const { answers } = await behindRelay();
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  await client.client('PAUSE', 500);
  for (let attempt = 0; attempt < 3; attempt += 1) await answers.get('key');
  expect(answers.isAway).toBe(true);
  await vi.waitFor(() => expect(answers.isAway).toBe(false), { timeout: 2000 });
});

it('says that Redis refuses, and goes on with what it does not', async () => {
  const logger = recordingLogger();
  const stores = await openStores(redis.url, { logger });
  const answers = stores.answersOf({ name: 'echo', digest: randomUUID().replaceAll('-', '') });
  await answers.set('key', entry, 60_000);
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  await client.config('SET', 'maxmemory', '1');
  for (let attempt = 0; attempt < 5; attempt += 1) await answers.set('other key', entry, 60_000);
  await client.config('SET', 'maxmemory', '0');
  expect(answers.isAway).toBe(false);
  expect(logger.warn.mock.calls.map(([, event]) => event)).toEqual(['redis_refused']);
  expect(await answers.get('key')).toMatchObject(entry);
  expect(await answers.get('other key')).toBeUndefined();
});

it('starts without Redis', async () => {
  const port = await unusedPort();
  const logger = recordingLogger();
  const stores = await openStores(`redis://127.0.0.1:${port}`, { logger });
  const answers = stores.answersOf({ name: 'echo', digest: 'd1' });
  expect(answers.isAway).toBe(true);
  expect(logger.warn).toHaveBeenCalledTimes(1);
});

it('says when Redis refuses its password, and takes a new one from the file', async () => {
  const locked = await startRedis('--requirepass', 'right');
  onTestFinished(() => locked.close());
  const file = join(tmpdir(), `skillgate-redis-url-${randomUUID()}`);
  await writeFile(file, `redis://:wrong@127.0.0.1:${locked.port}`);
  const logger = recordingLogger();
  const url = findSecret(
    { REDIS_URL_FILE: file },
    'REDIS_URL',
    () => undefined,
    () => undefined,
  );
  if (url === undefined) throw new Error('a secret was due');
  const stores = await openStores(url, { logger });
  const answers = stores.answersOf({ name: 'echo', digest: 'd1' });
  expect(answers.isAway).toBe(true);
  await vi.waitFor(() => expect(String(logger.warn.mock.calls[0]?.[0].reason)).toMatch(/WRONGPASS|invalid/));
  expect(JSON.stringify(logger.warn.mock.calls)).not.toContain('wrong');
  await writeFile(file, `redis://:right@127.0.0.1:${locked.port}`);
  await vi.waitFor(() => expect(answers.isAway).toBe(false), { timeout: 8000 });
});
