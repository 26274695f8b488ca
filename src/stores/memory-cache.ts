import { LRUCache } from 'lru-cache';
import type { CacheEntry, CacheStore } from '../contracts/stores.ts';

export interface MemoryCacheOptions {
  readonly maxEntries: number;
  /** What the entries may take in memory, about, in bytes. */
  readonly maxBytes: number;
}

export interface MemoryCache extends CacheStore {
  /** Lets go of every answer of this skill. */
  forget(skill: string): void;
}

/** What an entry costs beside its texts: its key, the objects and the place in the map. */
const overheadBytes = 400;

/** Keeps answers in this process, the least recently used one leaving first. */
export function createMemoryCache({ maxEntries, maxBytes }: MemoryCacheOptions): MemoryCache {
  const entries = new LRUCache<string, CacheEntry>({
    max: maxEntries,
    maxSize: maxBytes,
    ttlResolution: 0,
    perf: { now: () => performance.now() },
    // V8 keeps text beyond Latin-1 in two bytes a character; counting two for all errs on the safe side.
    sizeCalculation: (entry) => 2 * (entry.canonicalInput.length + entry.json.length) + overheadBytes,
  });
  return {
    get: (key) => entries.get(key),
    set(key, entry, ttlMs) {
      entries.set(key, entry, { ttl: ttlMs });
    },
    forget(skill) {
      for (const [key, entry] of entries.entries()) if (entry.skill === skill) entries.delete(key);
    },
  };
}
