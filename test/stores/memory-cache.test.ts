import { expect, it, vi } from 'vitest';
import { createMemoryCache } from '../../src/stores/memory-cache.ts';
import { describeCacheStore } from './cache-contract.ts';

describeCacheStore('memory', () => createMemoryCache({ maxEntries: 10, maxBytes: 1_000_000 }));

const entry = (json: string) => ({ skill: 'echo', canonicalInput: '1', json });

it('forgets an entry after its time', async () => {
  vi.useFakeTimers();
  vi.advanceTimersByTime(1); // lru-cache takes a clock at 0 for no time at all.
  const store = createMemoryCache({ maxEntries: 10, maxBytes: 1_000_000 });
  await store.set('key', entry('1'), 1000);
  vi.advanceTimersByTime(1000);
  expect(await store.get('key')).toBeDefined();
  vi.advanceTimersByTime(1);
  expect(await store.get('key')).toBeUndefined();
  vi.useRealTimers();
});

it('lets the least recently used entry go when there are too many', async () => {
  const store = createMemoryCache({ maxEntries: 2, maxBytes: 1_000_000 });
  for (const key of ['a', 'b']) await store.set(key, entry('1'), 1000);
  await store.get('a');
  await store.set('c', entry('1'), 1000);
  expect([store.get('a'), store.get('b'), store.get('c')].map(Boolean)).toEqual([true, false, true]);
});

it('stays within its bytes, and does not keep what is larger than all of them', async () => {
  const store = createMemoryCache({ maxEntries: 100, maxBytes: 10_000 });
  await store.set('small', entry('1'), 1000);
  await store.set('huge', entry('x'.repeat(20_000)), 1000);
  expect(await store.get('huge')).toBeUndefined();
  for (let number = 0; number < 10; number += 1) await store.set(`k${number}`, entry('x'.repeat(1000)), 1000);
  const kept = Array.from({ length: 10 }, (_, number) => store.get(`k${number}`)).filter(Boolean);
  expect(kept.length).toBeGreaterThan(1);
  expect(kept.length * 2000).toBeLessThan(10_000);
});

it('forgets the answers of one skill, and no others', async () => {
  const store = createMemoryCache({ maxEntries: 10, maxBytes: 1_000_000 });
  await store.set('a', entry('1'), 1000);
  await store.set('b', { ...entry('2'), skill: 'other' }, 1000);
  store.forget('echo');
  expect([store.get('a'), store.get('b')].map(Boolean)).toEqual([false, true]);
});
