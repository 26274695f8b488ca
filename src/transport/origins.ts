import type { Socket } from 'node:net';
import { type Clients, createClients } from './clients.ts';
import { closingFailure } from './failures.ts';
import { hostOf } from './host.ts';
import {
  type ConnectionParts,
  type ConnectLimits,
  type Destination,
  openConnection,
  proxyAuthorization,
} from './open-connection.ts';

/** Below the 5 s after which uvicorn, llama-server and Node close an idle connection, so that the gateway is first. */
const idleMs = 4_000;
/** What is taken off a server's own `Keep-Alive: timeout`, for the time that an answer travels. */
const idleMarginMs = 1_000;
/** However long a server offers: routers on the way forget idle connections unannounced. */
const maxIdleMs = 30_000;

/** The way to one server, or to the proxy in front of it. */
export interface Origin {
  readonly clients: Clients;
  /** Opens a connection that no request will use. */
  open(signal: AbortSignal): Promise<Socket>;
}

/** Where requests for a URL go, and what is different about them. */
export interface Way {
  readonly origin: Origin;
  /** Whether a proxy takes the request, and wants the whole URL (RFC 9112, section 3.2.2). */
  readonly wholeUrl: boolean;
  readonly headers: Readonly<Record<string, string>> | undefined;
}

/** Keeps connections for each origin and each set of limits. */
export interface Origins {
  find(url: URL, limits: ConnectLimits): Way;
  /** Closes every connection; exchanges under way fail. */
  close(): Promise<void>;
}

/**
 * @param chooseProxy gives the proxy for a server, or undefined for the direct way
 */
export function createOrigins(parts: ConnectionParts, chooseProxy: (url: URL) => URL | undefined): Origins {
  const known = new Map<string, Origin>();
  const closing = new AbortController();

  function originAt(url: URL, limits: ConnectLimits, tunnelThrough?: URL): Origin {
    const key = `${url.origin} ${limits.connectMs} ${limits.tlsMs}`;
    const existing = known.get(key);
    if (existing) return existing;
    const host = hostOf(url);
    const secure = url.protocol === 'https:';
    const destination: Destination = { host, secure, servername: host.name, tunnelThrough };
    const clients = createClients(url.origin, {
      // The limits of an attempt are the attempt-timeout policy's.
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: idleMs,
      keepAliveTimeoutThreshold: idleMarginMs,
      keepAliveMaxTimeout: maxIdleMs,
      allowH2: false,
      connect({ servername }, callback) {
        openConnection(
          { ...destination, servername: servername || host.name },
          limits,
          parts,
          closing.signal,
        ).then(
          (socket) => callback(null, socket),
          (error: Error) => callback(error, null),
        );
      },
    });
    const origin: Origin = { clients, open: (signal) => openConnection(destination, limits, parts, signal) };
    known.set(key, origin);
    return origin;
  }

  return {
    find(url, limits) {
      const proxy = chooseProxy(url);
      if (proxy === undefined || url.protocol === 'https:') {
        return { origin: originAt(url, limits, proxy), wholeUrl: false, headers: undefined };
      }
      return {
        origin: originAt(proxy, limits),
        wholeUrl: true,
        headers: { host: url.host, ...proxyAuthorization(proxy) },
      };
    },
    async close() {
      closing.abort(closingFailure());
      await Promise.all([...known.values()].map(({ clients }) => clients.destroy()));
    },
  };
}
