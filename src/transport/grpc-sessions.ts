import { type ClientHttp2Session, connect } from 'node:http2';
import { closingFailure } from './failures.ts';
import { hostOf } from './host.ts';
import { type ConnectionParts, type ConnectLimits, openConnection } from './open-connection.ts';

/** What a server may send before it waits for word, in bytes: answers can be large tensors. */
const windowBytes = 4 * 1024 ** 2;

/** The connections over which gRPC is spoken, one for each server and each set of limits: HTTP/2 carries many calls. */
export interface GrpcSessions {
  /**
   * Gives the connection to a server, and opens it where there is none.
   *
   * @param url http: or https:
   * @throws SkillgateError as `openConnection`
   */
  open(url: URL, limits: ConnectLimits): Promise<ClientHttp2Session>;
  /** Asks whether the server is still at the other end, and closes the connection where it does not answer. */
  check(session: ClientHttp2Session): void;
  /** Closes every connection; calls under way fail. */
  close(): Promise<void>;
}

/**
 * @param chooseProxy gives the proxy for a server, or undefined for the direct way
 * @param pingMs how long a server may take to answer a ping, in milliseconds
 */
export function createGrpcSessions(
  parts: ConnectionParts,
  chooseProxy: (url: URL) => URL | undefined,
  pingMs: number,
): GrpcSessions {
  const sessions = new Map<string, Promise<ClientHttp2Session>>();
  const closing = new AbortController();

  async function start(url: URL, limits: ConnectLimits, forget: () => void): Promise<ClientHttp2Session> {
    const host = hostOf(url);
    const socket = await openConnection(
      {
        host,
        secure: url.protocol === 'https:',
        servername: host.name,
        tunnelThrough: chooseProxy(url),
        application: 'h2',
      },
      limits,
      parts,
      closing.signal,
    );
    const session = connect(url.origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: windowBytes },
    });
    session.once('connect', () => session.setLocalWindowSize(windowBytes));
    // A server that goes away ends the calls that it has; the next call opens another connection.
    session.once('goaway', forget);
    session.once('close', forget);
    // What it does to a call is told there.
    session.on('error', forget);
    return session;
  }

  return {
    open(url, limits) {
      const key = `${url.origin} ${limits.connectMs} ${limits.tlsMs}`;
      const known = sessions.get(key);
      if (known) return known;
      const forget = () => {
        if (sessions.get(key) === session) sessions.delete(key);
      };
      const session = start(url, limits, forget);
      sessions.set(key, session);
      session.catch(forget);
      return session;
    },

    check(session) {
      if (session.destroyed || session.closed) return;
      const timer = setTimeout(() => session.destroy(), pingMs).unref();
      session.ping(() => clearTimeout(timer));
    },

    async close() {
      closing.abort(closingFailure());
      const open = await Promise.allSettled(sessions.values());
      for (const opened of open) if (opened.status === 'fulfilled') opened.value.destroy();
    },
  };
}
