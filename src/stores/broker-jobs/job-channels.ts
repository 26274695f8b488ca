import type { Redis } from 'ioredis';
import type { Watch } from '../../contracts/jobs.ts';
import type { Logger } from '../../contracts/logger.ts';
import { reasonOf } from '../redis/connection.ts';
import { createWatchSet, type WatchSet } from '../watch-set.ts';
import type { RedisLink } from './redis-link.ts';

/** Hears of what happens to jobs, in whatever process. */
export interface JobChannels {
  /** @throws SkillgateError `overloaded` */
  watch(id: string): Promise<Watch>;
}

export interface JobChannelsOptions {
  readonly link: RedisLink;
  readonly prefix: string;
  /** Told of a job that a run may have lost. */
  readonly onLost: (id: string) => void;
  readonly logger: Logger;
}

/** Subscribes to the channels of those jobs that somebody watches. What happened during an interruption is not missed. */
export function createJobChannels({ link, prefix, onLost, logger }: JobChannelsOptions): JobChannels {
  const changed = `${prefix}changed:`;
  const lost = `${prefix}lost`;
  const sets = new Map<string, WatchSet>();
  const report = (error: unknown) => logger.debug({ reason: reasonOf(error) }, 'job_channel_failed');
  let isSubscribed = Promise.withResolvers<void>();

  async function resume(subscriber: Redis): Promise<void> {
    await subscriber.subscribe(lost, ...[...sets.keys()].map((id) => changed + id));
    isSubscribed.resolve();
    // Whatever happened meanwhile was not heard. Who is told of it asks on the other connection.
    await link.ready();
    for (const set of sets.values()) set.tell();
  }

  const subscriber = link.subscriber((ready) => void resume(ready).catch(report));
  subscriber.on('close', () => {
    isSubscribed = Promise.withResolvers();
  });
  subscriber.on('message', (channel, message) => {
    if (channel === lost) onLost(message);
    else sets.get(channel.slice(changed.length))?.tell();
  });

  function setOf(id: string): WatchSet {
    const known = sets.get(id);
    if (known) return known;
    const set = createWatchSet(() => {
      sets.delete(id);
      if (subscriber.status === 'ready') subscriber.unsubscribe(changed + id).catch(report);
    });
    sets.set(id, set);
    return set;
  }

  return {
    async watch(id) {
      const watch = setOf(id).watch();
      try {
        // Each asks for itself: Redis answers in order, so that the channel is heard once this is answered.
        await link.ask(() => isSubscribed.promise.then(() => subscriber.subscribe(changed + id)));
        return watch;
      } catch (error) {
        watch.close();
        throw error;
      }
    },
  };
}
