import { hash } from 'node:crypto';
import type { SkillMeter } from '../contracts/meter.ts';
import { type AnswerPolicy, type Call, changeCall, type Fingerprint } from '../contracts/pipeline.ts';
import type { CacheStore } from '../contracts/stores.ts';
import { canonicalJson } from '../lib/canonical-json.ts';

export interface CacheOptions {
  readonly store: CacheStore;
  /** What an answer depends on beside the input: the skill's name, its version and the digest of its definition. */
  readonly skill: { readonly name: string; readonly version: string; readonly digest: string };
  /** Whether callers share answers. */
  readonly scope: 'shared' | 'caller';
  /** How long an answer is good, in milliseconds. */
  readonly ttlMs: number;
  readonly meter: Pick<SkillMeter, 'cacheRequest'>;
}

/**
 * Answers from the store where an equal question was answered before, and keeps new answers. The key is an MD5
 * fingerprint, no guard: a hit counts only if the stored canonical input is the same, so that a collision costs a
 * miss and never gives a wrong answer. `no-cache` asks the model again and keeps its answer, `no-store` passes by.
 */
export function cache({ store, skill, scope, ttlMs, meter }: CacheOptions): AnswerPolicy {
  const subject = `${skill.name}\n${skill.version}\n${skill.digest}\n`;

  function fingerprint(call: Call): Fingerprint {
    const canonicalInput = canonicalJson(call.input);
    const owner = scope === 'caller' ? call.caller.id : '';
    return { key: hash('md5', `${subject}${owner}\n${canonicalInput}`), canonicalInput };
  }

  return (next) => async (call) => {
    if (call.cacheDirective === 'no-store') {
      call.report.cache = 'bypass';
      return next(call);
    }
    const question = fingerprint(call);
    if (call.cacheDirective === 'no-cache') {
      call.report.cache = 'request';
    } else {
      const pending = store.get(question.key);
      const entry = pending instanceof Promise ? await pending : pending;
      if (entry?.canonicalInput === question.canonicalInput) {
        call.report.cache = 'hit';
        meter.cacheRequest('memory', 'hit');
        return entry;
      }
      call.report.cache = 'miss';
      meter.cacheRequest('memory', 'miss');
    }
    const answer = await next(changeCall(call, { fingerprint: question }));
    // Of equal calls that shared one run of the model, one stores its answer.
    if (!call.report.collapsed) {
      const entry = { skill: skill.name, canonicalInput: question.canonicalInput, json: answer.json };
      const storing = store.set(question.key, entry, answer.remainingMs ?? ttlMs);
      if (storing instanceof Promise) await storing;
    }
    return answer;
  };
}
