import type { Logger } from '../contracts/logger.ts';
import type { RateCounter, SharedCache, SharedSlots } from '../contracts/stores.ts';
import type { Secret } from '../lib/secret.ts';
import { createInvalidation } from './redis/invalidation.ts';
import { openRedisLink } from './redis/link.ts';
import { createRateCounter } from './redis/rate-counter.ts';
import { createSharedCache, type SkillForm } from './redis/shared-cache.ts';
import { createSharedSlots, type LimitedSkill } from './redis/shared-slots.ts';

export type { SkillForm };

/** What many gateways have in common. */
export interface SharedStores {
  /** The answers of a skill in the form that it has now. */
  answersOf(skill: SkillForm): SharedCache;
  /**
   * Begins to let go of the answers of skills.
   *
   * @param forgetHere lets go of a skill's answers in this process; called whenever any gateway asks for it
   * @returns lets go of the answers of a form of a skill in Redis and in every gateway; never rejects
   */
  invalidation(forgetHere: (skill: string) => void): (skill: SkillForm) => Promise<void>;
  readonly rateCounter: RateCounter;
  /** The slots of a skill whose calls all gateways count together. */
  slotsOf(skill: LimitedSkill): SharedSlots;
  close(): Promise<void>;
}

export interface RedisStoresOptions {
  readonly url: Secret;
  /** How long a call waits for an answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/** Opens the stores of a Redis. They open also while it is away, and are there when it is. */
export async function openRedisStores(options: RedisStoresOptions): Promise<SharedStores> {
  const { logger } = options;
  const link = await openRedisLink(options);
  return {
    answersOf: (skill) => createSharedCache({ link, skill, logger }),
    invalidation: (forgetHere) => createInvalidation({ link, forgetHere, logger }),
    rateCounter: createRateCounter(link),
    slotsOf: createSharedSlots(link),
    close: () => link.close(),
  };
}
