import type { Redis, RedisOptions } from 'ioredis';
import { backoffMs } from '../../lib/backoff.ts';
import type { Secret } from '../../lib/secret.ts';

/**
 * What the connections to Redis have in common: what cannot be sent fails, what was sent is not sent again, and a
 * connection that is lost is made anew.
 *
 * @param url redis:// or rediss://, with user and password in it
 * @param client gives the client that is made with these
 */
export function connectionOptions(url: Secret, client: () => Redis): RedisOptions {
  return {
    // Nothing is done behind the caller's back: a command that cannot be sent now may be of no use later, and one that
    // was sent may have been done.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    protocol: 2,
    // After a failover the connection may be with what is a replica now.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
    retryStrategy: reconnecting(url, client),
  };
}

/** Makes a connection for channels beside another one. It is subscribed to nothing, also when it has come back. */
export function openSubscriber(redis: Redis, url: Secret): Redis {
  const subscriber: Redis = redis.duplicate({
    autoResubscribe: false,
    socketTimeout: undefined,
    retryStrategy: reconnecting(url, () => subscriber),
  });
  return subscriber;
}

/** Waits longer and longer, and takes the password as it is then: the file with the URL may have changed. */
function reconnecting(url: Secret, client: () => Redis): (times: number) => number {
  return (times) => {
    const { username, password } = new URL(url.read());
    Object.assign(client().options, {
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
    });
    return backoffMs(times, { baseMs: 50, maxMs: 2000 });
  };
}

/** The reason alone: the errors of ioredis carry the command, with the password or the answer that was in it. */
export function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/, with args .*/s, '');
}
