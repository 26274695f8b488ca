import { randomUUID } from 'node:crypto';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { CacheEntry } from '../../../src/contracts/stores.ts';
import { startRelay } from '../../servers/relay.ts';
import { openStores, redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();
const entry: CacheEntry = { skill: 'echo', canonicalInput: '1', json: '2' };
const newDigest = () => randomUUID().replaceAll('-', '');

it('deletes every answer of a form of a skill, and those of no other', async () => {
  const stores = await openStores(redis.url);
  const [old, current] = [
    { name: 'echo', digest: newDigest() },
    { name: 'echo', digest: newDigest() },
  ];
  const keys = Array.from({ length: 2500 }, (_, number) => `key ${number}`);
  await Promise.all(keys.map((key) => stores.answersOf(old).set(key, entry, 60_000)));
  await stores.answersOf(current).set('key', entry, 60_000);
  const forgetHere = vi.fn();
  await stores.invalidation(forgetHere)(old);
  const left = await Promise.all(keys.map((key) => stores.answersOf(old).get(key)));
  expect(left.filter(Boolean)).toEqual([]);
  expect(await stores.answersOf(current).get('key')).toMatchObject(entry);
  expect(forgetHere).toHaveBeenCalledWith('echo');
});

it('is heard by every gateway, also after its connection was interrupted', async () => {
  const relay = await startRelay(redis.port);
  onTestFinished(() => relay.close());
  const forget = (await openStores(redis.url)).invalidation(() => undefined);
  const hears = vi.fn();
  (await openStores(`redis://127.0.0.1:${relay.port}`)).invalidation(hears);
  for (const name of ['first', 'second']) {
    await vi.waitFor(
      async () => {
        await forget({ name, digest: newDigest() });
        expect(hears).toHaveBeenCalledWith(name);
      },
      { timeout: 5000 },
    );
    relay.cut();
  }
});

it('says what it could not reach', async () => {
  const relay = await startRelay(redis.port);
  onTestFinished(() => relay.close());
  const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const stores = await openStores(`redis://127.0.0.1:${relay.port}`, { logger, timeoutMs: 20 });
  const forgetHere = vi.fn();
  const forget = stores.invalidation(forgetHere);
  relay.setAnswering(false);
  await forget({ name: 'echo', digest: newDigest() });
  expect(forgetHere).toHaveBeenCalledWith('echo');
  expect(logger.warn).toHaveBeenCalledWith({ skill: 'echo' }, 'answers_not_forgotten');
});
