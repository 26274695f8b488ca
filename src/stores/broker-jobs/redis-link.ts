import { type Redis, ReplyError } from 'ioredis';
import { SkillgateError } from '../../contracts/errors.ts';
import { JobBackendError } from '../../contracts/jobs.ts';
import type { Logger } from '../../contracts/logger.ts';
import type { Secret } from '../../lib/secret.ts';
import { within } from '../../lib/within.ts';
import { connectionOptions, openSubscriber, reasonOf } from '../redis/connection.ts';
import { createPresence } from './presence.ts';
import { ScriptedRedis } from './scripted-redis.ts';

/** The connection of one process to the Redis that has the jobs. */
export interface RedisLink {
  /** When the connection became ready, on the process's clock; undefined while Redis is away. */
  readonly readySince: number | undefined;
  /**
   * Asks Redis something, and waits about two seconds for it.
   *
   * @throws SkillgateError `overloaded` where there is no answer: what was asked may have been done. `internal` where
   *   the answer is an error that time does not mend
   */
  ask<Result>(command: (redis: ScriptedRedis) => Promise<Result>): Promise<Result>;
  /** Resolves when Redis is there. */
  ready(): Promise<unknown>;
  /** A connection of its own for channels. `onReady` is called whenever it is ready, and subscribed to nothing. */
  subscriber(onReady: (subscriber: Redis) => void): Redis;
  /** Ends the connections, once what was sent has been answered. */
  close(): Promise<void>;
}

export interface RedisLinkOptions {
  /** redis:// or rediss://, with user and password in it. */
  readonly url: Secret;
  /** How long the start waits for Redis, in milliseconds. */
  readonly startMs: number;
  readonly logger: Logger;
}

/** How long anything waits for Redis, in milliseconds. */
const patienceMs = 2000;
/** When it is worth to come again, in milliseconds. */
const retryAfterMs = 2000;

/** How often the log says that Redis refuses, in milliseconds. */
const refusalIntervalMs = 60_000;

const credentialFaults = /^(NOAUTH|WRONGPASS|NOPERM|ERR AUTH|ERR invalid password)/;
/** What a script or its use has wrong; all other errors tell of the server's state. */
const lastingFaults = /^(ERR|WRONGTYPE|NOSCRIPT)\b/;

/**
 * Connects to Redis.
 *
 * @throws JobBackendError where it refuses the credentials, or cannot be reached
 */
export async function openRedisLink({ url, startMs, logger }: RedisLinkOptions): Promise<RedisLink> {
  const redis: ScriptedRedis = new ScriptedRedis(url.read(), {
    ...connectionOptions(url, () => redis),
    connectTimeout: patienceMs,
    socketTimeout: patienceMs,
    connectionName: 'skillgate-jobs',
  });
  const presence = createPresence<ScriptedRedis>(patienceMs);
  const subscribers: Redis[] = [];
  let readySince: number | undefined;
  let isClosing = false;

  let reason = '';
  redis.on('ready', () => {
    presence.arrive(redis);
    readySince = performance.now();
    reason = 'the connection has closed';
  });
  redis.on('error', (error) => {
    reason = reasonOf(error);
  });
  redis.on('close', () => {
    if (presence.current && !isClosing) {
      logger.warn({ reason }, 'job_redis_away');
      redis.once('ready', () => logger.info({}, 'job_redis_back'));
    }
    presence.leave();
    readySince = undefined;
  });
  await started(redis, url, startMs);
  let tellRefusalsFrom = 0;

  function toError(cause: unknown): SkillgateError {
    // The client's own error carries what was sent.
    const shown = new Error(reasonOf(cause));
    if (!(cause instanceof ReplyError)) {
      return new SkillgateError('overloaded', 'Jobs cannot be stored at the moment: Redis does not answer.', {
        cause: shown,
        retryAfterMs,
      });
    }
    if (performance.now() >= tellRefusalsFrom) {
      tellRefusalsFrom = performance.now() + refusalIntervalMs;
      logger.error({ reason: shown.message }, 'job_redis_refused');
    }
    return lastingFaults.test(shown.message)
      ? new SkillgateError('internal', 'The job store failed; the log of the gateway has the cause.', {
          cause: shown,
        })
      : new SkillgateError('overloaded', 'Jobs cannot be stored at the moment: Redis refuses.', {
          cause: shown,
          retryAfterMs,
        });
  }

  return {
    get readySince() {
      return readySince;
    },
    async ask(command) {
      try {
        return await within(command(await presence.wait()), patienceMs);
      } catch (cause) {
        throw toError(cause);
      }
    },
    ready: () => presence.waitOn(),
    subscriber(onReady) {
      const subscriber = openSubscriber(redis, url);
      subscribers.push(subscriber);
      subscriber.on('error', (error) =>
        logger.debug({ reason: reasonOf(error) }, 'job_redis_listener_failed'),
      );
      subscriber.on('ready', () => onReady(subscriber));
      return subscriber;
    },
    async close() {
      isClosing = true;
      for (const subscriber of subscribers) subscriber.disconnect();
      if (presence.current) {
        await within(redis.quit(), patienceMs).catch((error: unknown) =>
          logger.debug({ reason: reasonOf(error) }, 'job_redis_quit_failed'),
        );
      }
      redis.disconnect();
    },
  };
}

function started(redis: Redis, url: Secret, ms: number): Promise<void> {
  const { host } = new URL(url.read());
  return new Promise((resolve, reject) => {
    let reason = 'there was no answer';
    const giveUp = () => {
      settle();
      redis.disconnect();
      reject(new JobBackendError(`the Redis of the jobs (REDIS_URL, ${host}) cannot be used: ${reason}`));
    };
    const fail = (error: unknown) => {
      reason = reasonOf(error);
      if (credentialFaults.test(reason)) giveUp();
    };
    const arrive = () => {
      settle();
      resolve();
    };
    const timer = setTimeout(giveUp, ms);
    const settle = () => {
      clearTimeout(timer);
      redis.off('ready', arrive);
      redis.off('error', fail);
    };
    redis.on('ready', arrive);
    redis.on('error', fail);
  });
}
