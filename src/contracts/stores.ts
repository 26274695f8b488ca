/** A stored answer. */
export interface CacheEntry {
  /** The input in canonical form, which proves that the key's question is this one. */
  readonly canonicalInput: string;
  /** The answer's JSON text. */
  readonly json: string;
}

/** Where answers are kept. A store that is slow or gone is a miss, never an error. */
export interface CacheStore {
  get(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined>;
  /** Keeps the entry for at most `ttlMs` milliseconds. */
  set(key: string, entry: CacheEntry, ttlMs: number): void | Promise<void>;
}
