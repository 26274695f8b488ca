import { type Redis, ReplyError } from 'ioredis';
import type { Logger } from '../../contracts/logger.ts';
import type { Secret } from '../../lib/secret.ts';
import { within } from '../../lib/within.ts';
import { connectionOptions, openSubscriber, reasonOf } from './connection.ts';
import { ScriptedRedis } from './scripts.ts';

/** The connection of one process to Redis, which may be slow or gone without anybody's noticing more than a miss. */
export interface RedisLink {
  /** Whether Redis does not answer, as far as is known. Nobody is kept waiting for it then. */
  readonly isAway: boolean;
  /**
   * Asks Redis something on the path of a call.
   *
   * @returns undefined where no answer came in time, and at once while Redis is away
   */
  ask<Result>(command: (redis: ScriptedRedis) => Promise<Result>): Promise<Result | undefined>;
  /** Hears what is published on a channel, from now on and after every interruption. */
  listen(channel: string, hear: (message: string) => void): void;
  /** Ends the connections, once what was sent has been answered. */
  close(): Promise<void>;
}

export interface RedisLinkOptions {
  /** redis:// or rediss://, with user and password in it. */
  readonly url: Secret;
  /** How long a call waits for an answer, in milliseconds. */
  readonly timeoutMs: number;
  readonly logger: Logger;
}

/** So many failures in a row, and Redis is away. */
const failuresUntilAway = 3;
/** How often a Redis that is away is asked whether it is back, in milliseconds. */
const probeIntervalMs = 250;
/** How often the log says that Redis refuses, in milliseconds. */
const refusalIntervalMs = 60_000;
/** How long the start of the process waits for the connection, in milliseconds. */
const connectWithinMs = 1000;
/** A connection on which an answer is due for so long is given up for a new one, in milliseconds. */
const silentForMs = 2000;

/**
 * Connects to Redis, and waits a moment for it to be there; without it the process starts all the same.
 *
 * The link has a breaker of its own: after a few failures in a row nothing is asked any more on the path of a call,
 * and a ping in the background finds out when Redis is back.
 */
export async function openRedisLink({ url, timeoutMs, logger }: RedisLinkOptions): Promise<RedisLink> {
  const redis: ScriptedRedis = new ScriptedRedis(url.read(), {
    ...connectionOptions(url, () => redis),
    connectTimeout: connectWithinMs,
    socketTimeout: silentForMs,
    connectionName: 'skillgate',
  });
  const listeners: Redis[] = [];
  let isAway = true;
  let isTold = false;
  let isClosing = false;
  let failuresInARow = 0;
  let tellRefusalsFrom = 0;
  let probing: NodeJS.Timeout | undefined;

  function leave(error: unknown): void {
    isAway = true;
    if (isClosing) return;
    // A connection that has broken says itself when it is ready again.
    if (redis.status === 'ready') probeLater();
    if (isTold) return;
    isTold = true;
    logger.warn({ reason: reasonOf(error) }, 'redis_away');
  }

  function comeBack(): void {
    clearTimeout(probing);
    probing = undefined;
    isAway = false;
    failuresInARow = 0;
    if (isTold) logger.info({}, 'redis_back');
    isTold = false;
  }

  function probeLater(): void {
    probing ??= setTimeout(() => {
      within(redis.ping(), timeoutMs).then(comeBack, () => {
        probing = undefined;
        if (redis.status === 'ready' && !isClosing) probeLater();
      });
    }, probeIntervalMs).unref();
  }

  function fail(error: unknown): void {
    logger.debug({ reason: reasonOf(error) }, 'redis_command_failed');
    failuresInARow += 1;
    if (!isAway && failuresInARow >= failuresUntilAway) leave(error);
  }

  /** Redis answers, and does not do as it is asked: it has no memory left, or this user lacks a right. */
  function beRefused(error: unknown): void {
    const now = performance.now();
    if (now < tellRefusalsFrom) return;
    tellRefusalsFrom = now + refusalIntervalMs;
    logger.warn({ reason: reasonOf(error) }, 'redis_refused');
  }

  redis.on('ready', comeBack);
  redis.on('error', leave);
  redis.on('close', () => leave(new Error('The connection to Redis has closed.')));
  await firstSign(redis);

  return {
    get isAway() {
      return isAway;
    },
    async ask(command) {
      if (isAway) return undefined;
      try {
        const result = await within(command(redis), timeoutMs);
        failuresInARow = 0;
        return result;
      } catch (error) {
        if (error instanceof ReplyError) beRefused(error);
        else fail(error);
        return undefined;
      }
    },
    listen(channel, hear) {
      const listener = openSubscriber(redis, url);
      listeners.push(listener);
      const report = (error: unknown) => logger.debug({ reason: reasonOf(error) }, 'redis_listener_failed');
      listener.on('error', report);
      listener.on('message', (_channel, message) => hear(message));
      listener.on('ready', () => void listener.subscribe(channel).catch(report));
    },
    async close() {
      isClosing = true;
      clearTimeout(probing);
      for (const listener of listeners) listener.disconnect();
      if (!isAway)
        await within(redis.quit(), silentForMs).catch((error: unknown) =>
          logger.debug({ reason: reasonOf(error) }, 'redis_quit_failed'),
        );
      redis.disconnect();
    },
  };
}

/** Waits until Redis is ready or fails, for at most a second. */
function firstSign(redis: Redis): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, connectWithinMs);
    for (const event of ['ready', 'error', 'close']) {
      redis.once(event, () => {
        clearTimeout(timer);
        resolve();
      });
    }
  });
}
