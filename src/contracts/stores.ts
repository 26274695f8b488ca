/** A stored answer. */
export interface CacheEntry {
  /** The input in canonical form, which proves that the key's question is this one. */
  readonly canonicalInput: string;
  /** The answer's JSON text. */
  readonly json: string;
}

/** A result that was too large for the client that asked for it, kept to be fetched. */
export interface KeptResult {
  /** The caller that asked for it: nobody else may fetch it. */
  readonly callerId: string;
  readonly json: string;
}

/** Where such results are kept for an hour. They may leave earlier, to make room. */
export interface ResultStore {
  /** @returns the id by which it is found, which nobody can guess; undefined where it could not be kept */
  keep(result: KeptResult): string | undefined | Promise<string | undefined>;
  find(id: string): KeptResult | undefined | Promise<KeptResult | undefined>;
}

/** Where answers are kept. A store that is slow or gone is a miss, never an error. */
export interface CacheStore {
  get(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined>;
  /** Keeps the entry for at most `ttlMs` milliseconds. */
  set(key: string, entry: CacheEntry, ttlMs: number): void | Promise<void>;
}
