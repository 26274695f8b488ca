/** A stored answer. */
export interface CacheEntry {
  /** The skill that gave it: by that it is forgotten when the skill changes. */
  readonly skill: string;
  /** The input in canonical form, which proves that the key's question is this one. */
  readonly canonicalInput: string;
  /** The answer's JSON text. */
  readonly json: string;
  /** How long it is still good, in milliseconds, where the store can tell. */
  readonly remainingMs?: number;
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

/** A question that this gateway alone asks its model: every other one waits. It ends by itself with the gateway. */
export interface Claim {
  /** Keeps the answer for those who wait, and ends the claim. */
  keep(entry: CacheEntry, ttlMs: number): Promise<void>;
  /** Ends the claim without an answer: the next one may ask. */
  release(): Promise<void>;
}

/** What a look at the shared answers gives; `away`: they could not be asked. */
export type SharedLookup =
  | { readonly kind: 'found'; readonly entry: CacheEntry }
  | { readonly kind: 'claimed'; readonly claim: Claim }
  | { readonly kind: 'asked_elsewhere' }
  | { readonly kind: 'away' };

/** The answers of one skill that many gateways share. Nothing here fails: what cannot be asked is away. */
export interface SharedCache extends CacheStore {
  /** Whether it makes no sense to ask at this moment. */
  readonly isAway: boolean;
  /** Finds the answer, or else claims the question, in one step. */
  lookUp(key: string): Promise<SharedLookup>;
}

/** How often somebody came in the current window, and when that ends. */
export interface RateCount {
  readonly count: number;
  /** Until the window ends, in milliseconds. */
  readonly resetMs: number;
}

/** Counts requests over all gateways. */
export interface RateCounter {
  /** Counts one more; undefined where they cannot be counted together now. */
  count(caller: string, windowMs: number): Promise<RateCount | undefined>;
}

/** A slot that a call has. */
export interface SharedSlot {
  /** Gives it back, to the next in line; nobody waits for that. */
  giveBack(): void;
}

/** The slots that calls of one skill need, of which there are so many over all gateways. Nothing here fails. */
export interface SharedSlots {
  /**
   * Takes a slot, and waits for one where none is free: who came first has it first. It ends by itself with the process.
   *
   * @returns a slot that nobody counted, where they cannot be counted together now
   * @throws the signal's reason, at once; nothing is held then
   */
  take(signal: AbortSignal): Promise<SharedSlot>;
}
