import type { Logger } from '../../contracts/logger.ts';
import type { RedisLink } from './link.ts';
import { answerKeys, type SkillForm } from './shared-cache.ts';

const channel = 'skillgate:forget';

/** Keys that one step of the search looks at: Redis does nothing else meanwhile. */
const keysAStep = 1000;

export interface InvalidationOptions {
  readonly link: RedisLink;
  /** Forgets the answers of a skill in this process. */
  readonly forgetHere: (skill: string) => void;
  readonly logger: Logger;
}

/**
 * Forgets the answers of a form of a skill in Redis and in the memory of every gateway, and hears when others do.
 *
 * @returns forgets, as far as Redis can be asked; it never rejects
 */
export function createInvalidation({
  link,
  forgetHere,
  logger,
}: InvalidationOptions): (skill: SkillForm) => Promise<void> {
  link.listen(channel, forgetHere);

  async function deleteAnswers(skill: SkillForm): Promise<boolean> {
    let cursor = '0';
    do {
      const step = await link.ask((redis) =>
        redis.scan(cursor, 'MATCH', `${answerKeys(skill)}*`, 'COUNT', keysAStep),
      );
      if (step === undefined) return false;
      const [next, keys] = step;
      cursor = next;
      if (keys.length === 0) continue;
      if ((await link.ask((redis) => redis.unlink(...keys))) === undefined) return false;
    } while (cursor !== '0');
    return true;
  }

  return async (skill) => {
    forgetHere(skill.name);
    const isDeleted = await deleteAnswers(skill);
    const isTold = await link.ask((redis) => redis.publish(channel, skill.name));
    // They are good for their time only, and found under no other form of the skill.
    if (!isDeleted || isTold === undefined) logger.warn({ skill: skill.name }, 'answers_not_forgotten');
  };
}
