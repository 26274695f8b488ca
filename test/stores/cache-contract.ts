import { describe, expect, it } from 'vitest';
import type { CacheStore } from '../../src/contracts/stores.ts';

/** What every cache store has to do. */
export function describeCacheStore(name: string, makeStore: () => CacheStore | Promise<CacheStore>): void {
  describe(`${name} as a cache store`, () => {
    const entry = { skill: 'echo', canonicalInput: '{"text":"hello"}', json: '{"prediction":"en"}' };

    it('gives back what it was given', async () => {
      const store = await makeStore();
      await store.set('key', entry, 60_000);
      expect(await store.get('key')).toMatchObject(entry);
    });

    it('has nothing under a key that was never set', async () => {
      const store = await makeStore();
      expect(await store.get('unknown')).toBeUndefined();
    });

    it('replaces what was there', async () => {
      const store = await makeStore();
      await store.set('key', entry, 60_000);
      await store.set('key', { ...entry, json: '2' }, 60_000);
      expect(await store.get('key')).toMatchObject({ ...entry, json: '2' });
    });

    it('keeps text of every script', async () => {
      const store = await makeStore();
      const text = { ...entry, canonicalInput: '"日本語 🦜 \\ud800"', json: '"עברית"' };
      await store.set('key', text, 60_000);
      expect(await store.get('key')).toMatchObject(text);
    });
  });
}
