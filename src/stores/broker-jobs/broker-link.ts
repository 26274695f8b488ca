import { type Channel, Connection } from 'rabbitmq-client';
import { JobBackendError } from '../../contracts/jobs.ts';
import type { Logger } from '../../contracts/logger.ts';
import { wait } from '../../lib/abort.ts';
import { backoffMs } from '../../lib/backoff.ts';
import type { Secret } from '../../lib/secret.ts';
import { within } from '../../lib/within.ts';
import { createPresence } from './presence.ts';

/** A channel, and the connection that it is on. */
export interface OpenChannel {
  readonly channel: Channel;
  readonly connection: Connection;
}

/** A connection of this process to RabbitMQ with a channel on it, made anew whenever it is lost. */
export interface BrokerLink {
  /** What is open now. */
  readonly current: OpenChannel | undefined;
  /** Waits a moment for what has just been lost. @throws TooLateError */
  open(): Promise<OpenChannel>;
  /** Resolves when it is open for the first time. @throws JobBackendError where it is not within so many milliseconds */
  started(ms: number): Promise<void>;
  /** Gives up a connection for a new one, where that has not been done. */
  renew(open: OpenChannel): void;
  close(): Promise<void>;
}

export interface BrokerLinkOptions {
  /** amqp:// or amqps://, with user and password in it. Read again for every connection. */
  readonly url: Secret;
  /** What it is for, as RabbitMQ and the log name it. */
  readonly name: string;
  /** Makes a new channel ready for use. */
  readonly prepare: (open: OpenChannel) => Promise<void>;
  /** Called whenever there is a new channel, once it is ready for use. */
  readonly onOpen?: () => void;
  readonly logger: Logger;
}

/** How long anything waits for a connection that has just been lost, in milliseconds. */
const patienceMs = 2000;
const reconnecting = { baseMs: 200, maxMs: 2000 };

/** The broker says no to the credentials or the virtual host: waiting helps nobody. */
const refusals: ReadonlySet<unknown> = new Set(['ACCESS_REFUSED', 'NOT_ALLOWED', 'NOT_FOUND']);

/** Begins to connect. The client's own way of connecting again is not used: it keeps the URL that it was made with. */
export function createBrokerLink({ url, name, prepare, onOpen, logger }: BrokerLinkOptions): BrokerLink {
  const presence = createPresence<OpenChannel>(patienceMs);
  const started = Promise.withResolvers<void>();
  const closing = new AbortController();
  let latest: unknown = new Error('there was no answer');
  let isTold = false;

  async function session(): Promise<void> {
    const connection = await connect(url, name);
    try {
      closing.signal.throwIfAborted();
      const channel = await connection.acquire({ emitErrorsFromChannel: true });
      const lost = new Promise<void>((resolve) => channel.once('close', resolve));
      const remember = (error: unknown) => {
        latest = error;
      };
      connection.on('error', remember);
      channel.on('error', remember);
      await prepare({ connection, channel });
      closing.signal.throwIfAborted();
      presence.arrive({ connection, channel });
      latest = new Error('the connection was given up');
      started.resolve();
      onOpen?.();
      if (isTold) logger.info({ connection: name }, 'amqp_back');
      isTold = false;
      await lost;
    } finally {
      const isClosedInPeace = closing.signal.aborted && presence.current !== undefined;
      presence.leave();
      if (!isClosedInPeace) connection.unsafeDestroy();
    }
  }

  async function keepOpen(): Promise<void> {
    for (let failures = 1; !closing.signal.aborted; failures += 1) {
      try {
        await session();
        failures = 1;
      } catch (error) {
        latest = error;
        if (isRefusal(error)) started.reject(unusable());
      }
      if (closing.signal.aborted) return;
      if (!isTold) logger.warn({ connection: name, reason: reasonOf(latest) }, 'amqp_away');
      isTold = true;
      await wait(backoffMs(failures, reconnecting), closing.signal).catch(() => undefined);
    }
  }

  function unusable(): JobBackendError {
    return new JobBackendError(
      `the RabbitMQ of the jobs (AMQP_URL, ${new URL(url.read()).host}) cannot be used: ${reasonOf(latest)}`,
    );
  }

  // Whoever does not ask whether it has started is not told that it has not.
  started.promise.catch(() => undefined);
  void keepOpen();
  return {
    get current() {
      return presence.current;
    },
    open: () => presence.wait(),
    started: (ms) =>
      within(started.promise, ms).catch((error: unknown) => {
        throw error instanceof JobBackendError ? error : unusable();
      }),
    renew(open) {
      if (presence.current?.channel !== open.channel) return;
      presence.leave();
      open.connection.unsafeDestroy();
    },
    async close() {
      const open = presence.current;
      closing.abort();
      if (!open) return;
      await within(
        open.channel.close().then(() => open.connection.close()),
        patienceMs,
      ).catch((error: unknown) => {
        logger.debug({ connection: name, reason: reasonOf(error) }, 'amqp_not_closed');
        open.connection.unsafeDestroy();
      });
    },
  };
}

/** What is wrong, in the words of the broker or of the system; neither knows the password. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Where a name has several addresses, there is an error for each and none for all.
  if (error instanceof AggregateError) return error.errors.map(reasonOf).join('; ');
  // The client names the method that the broker complains about, also where there was none.
  return error.message.replace(/^undefined: /, '');
}

/** The code with which the client or the broker names an error. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function isRefusal(error: unknown): boolean {
  return refusals.has(codeOf(error));
}

async function connect(url: Secret, name: string): Promise<Connection> {
  const connection = new Connection({
    url: url.read(),
    connectionName: `skillgate ${name}`,
    connectionTimeout: 5000,
    acquireTimeout: 5000,
    heartbeat: 10,
    // What RabbitMQ offers: a large input in pieces of 8 KiB would take long.
    frameMax: 128 * 1024,
    noDelay: true,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      connection.once('connection', resolve);
      connection.on('error', reject);
    });
    return connection;
  } catch (error) {
    connection.unsafeDestroy();
    throw error;
  }
}
