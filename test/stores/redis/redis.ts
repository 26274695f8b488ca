import { afterAll, beforeAll, onTestFinished } from 'vitest';
import type { Logger } from '../../../src/contracts/logger.ts';
import { fixedSecret, type Secret } from '../../../src/lib/secret.ts';
import { openRedisStores, type SharedStores } from '../../../src/stores/redis.ts';
import { type RedisServer, startRedis } from '../../servers/redis.ts';

/** One Redis for the tests of a file. */
export function redisOfThisFile(): { readonly url: string; readonly port: number } {
  let server: RedisServer | undefined;
  beforeAll(async () => {
    server = await startRedis();
  }, 240_000);
  afterAll(() => server?.close());
  const running = () => {
    if (server === undefined) throw new Error('Redis has not been started yet');
    return server;
  };
  return {
    get url() {
      return running().url;
    },
    get port() {
      return running().port;
    },
  };
}

export interface StoreOptions {
  readonly logger?: Logger;
  /** Long unless the test is about it: a busy machine may take its time. */
  readonly timeoutMs?: number;
}

/** The stores of a gateway of its own, until the test ends. */
export async function openStores(
  url: string | Secret,
  { logger = silentLogger, timeoutMs = 2000 }: StoreOptions = {},
): Promise<SharedStores> {
  const secret = typeof url === 'string' ? fixedSecret(url) : url;
  const stores = await openRedisStores({ url: secret, timeoutMs, logger });
  onTestFinished(() => stores.close());
  return stores;
}

const silent = () => undefined;
const silentLogger: Logger = { debug: silent, info: silent, warn: silent, error: silent };
