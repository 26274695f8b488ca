import type { Answer } from '../contracts/invocation.ts';
import type { SkillMeter } from '../contracts/meter.ts';
import type { AnswerPolicy, Call, Fingerprint } from '../contracts/pipeline.ts';
import type { SharedCache, SharedLookup } from '../contracts/stores.ts';
import { wait } from '../lib/abort.ts';

export interface SharedCacheOptions {
  readonly store: SharedCache;
  /** The skill's name. */
  readonly skill: string;
  /** How long an answer is good, in milliseconds. */
  readonly ttlMs: number;
  /** How long a call waits for an answer that another gateway is asking for, in milliseconds; then it asks itself. */
  readonly waitMs: number;
  /** Whether equal calls may share one run of the model. */
  readonly collapses: boolean;
  readonly meter: Pick<SkillMeter, 'cacheRequest'>;
}

type Lookup = SharedLookup | { readonly kind: 'unclaimed' };

/** Between two looks for the answer of another gateway lies a tenth of the time waited so far, within these bounds. */
const pauseBounds = { minMs: 2, maxMs: 50 };

/**
 * Answers from what all gateways share, behind the memory of this one, and lets only one gateway ask the model: it
 * claims the question, and the others wait for its answer. Where the one fails, the next asks. A hit counts only if
 * the stored canonical input is the same.
 */
export function sharedCache({
  store,
  skill,
  ttlMs,
  waitMs,
  collapses,
  meter,
}: SharedCacheOptions): AnswerPolicy {
  async function look(key: string, signal: AbortSignal): Promise<Lookup> {
    if (!collapses) {
      const entry = await store.get(key);
      return entry === undefined ? { kind: 'unclaimed' } : { kind: 'found', entry };
    }
    const startedAt = performance.now();
    for (;;) {
      const lookup = await store.lookUp(key);
      const waitedMs = performance.now() - startedAt;
      if (lookup.kind !== 'asked_elsewhere' || waitedMs >= waitMs) return lookup;
      await wait(Math.min(Math.max(waitedMs / 10, pauseBounds.minMs), pauseBounds.maxMs), signal);
    }
  }

  function keep({ key, canonicalInput }: Fingerprint, { json }: Answer, lookup?: Lookup): void {
    const entry = { skill, canonicalInput, json };
    // Nobody waits for this: the answer is on its way to the caller, and a store never rejects.
    void (lookup?.kind === 'claimed' ? lookup.claim.keep(entry, ttlMs) : store.set(key, entry, ttlMs));
  }

  return (next) => {
    async function ask(call: Call, question: Fingerprint, lookup: Lookup): Promise<Answer> {
      try {
        const answer = await next(call);
        if (lookup.kind !== 'found') keep(question, answer, lookup);
        return answer;
      } catch (error) {
        if (lookup.kind === 'claimed') void lookup.claim.release();
        throw error;
      }
    }

    return async (call) => {
      const question = call.fingerprint;
      if (question === undefined || store.isAway) return next(call);
      if (call.cacheDirective === 'no-cache') {
        const answer = await next(call);
        keep(question, answer);
        return answer;
      }
      const lookup = await look(question.key, call.signal);
      if (lookup.kind === 'found' && lookup.entry.canonicalInput === question.canonicalInput) {
        call.report.cache = 'hit';
        meter.cacheRequest('redis', 'hit');
        return lookup.entry;
      }
      if (lookup.kind !== 'away') meter.cacheRequest('redis', 'miss');
      return ask(call, question, lookup);
    };
  };
}
