import type { RateCounter } from '../../contracts/stores.ts';
import type { RedisLink } from './link.ts';

/** Counts the requests of every gateway in Redis, in windows that begin with a caller's first request. */
export function createRateCounter(link: RedisLink): RateCounter {
  return {
    async count(caller, windowMs) {
      const counted = await link.ask((redis) => redis.skillgateCount(`skillgate:rate:${caller}`, windowMs));
      if (counted === undefined) return undefined;
      const [count, resetMs] = counted;
      return { count, resetMs };
    },
  };
}
