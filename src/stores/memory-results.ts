import { randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { KeptResult, ResultStore } from '../contracts/stores.ts';

export interface MemoryResultsOptions {
  /** What the results may take in memory, about, in bytes. */
  readonly maxBytes: number;
  /** How long one is kept, in milliseconds. */
  readonly ttlMs: number;
}

/** What a result costs beside its text: its id, the object and the place in the map. */
const overheadBytes = 400;

/** Keeps results in this process, the oldest one leaving first. */
export function createMemoryResults({ maxBytes, ttlMs }: MemoryResultsOptions): ResultStore {
  const results = new LRUCache<string, KeptResult>({
    maxSize: maxBytes,
    ttl: ttlMs,
    ttlResolution: 0,
    // A result that nobody fetches must not stay in memory until there is no room.
    ttlAutopurge: true,
    perf: { now: () => performance.now() },
    // V8 keeps text beyond Latin-1 in two bytes a character; counting two for all errs on the safe side.
    sizeCalculation: ({ json }) => 2 * json.length + overheadBytes,
  });
  return {
    keep(result) {
      const id = randomUUID();
      results.set(id, result);
      return results.has(id) ? id : undefined;
    },
    find: (id) => results.peek(id),
  };
}
