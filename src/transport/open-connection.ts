import { request } from 'node:http';
import type { Socket } from 'node:net';
import { SkillgateError } from '../contracts/errors.ts';
import { dial, type Resolve } from './dial.ts';
import { connectFailure, handshakeFailure } from './failures.ts';
import { type Host, hostOf } from './host.ts';
import { untilOpen, withinPhase } from './phase.ts';
import type { Handshake } from './tls.ts';

/** How long the phases of opening a connection may take, in milliseconds. */
export interface ConnectLimits {
  /** DNS and TCP; with a proxy, until the proxy has let the connection through. */
  readonly connectMs: number;
  readonly tlsMs: number;
}

/** What connections are made with. */
export interface ConnectionParts {
  readonly resolve: Resolve;
  readonly handshake: Handshake;
}

/** A connection to be opened. */
export interface Destination {
  readonly host: Host;
  readonly secure: boolean;
  /** The name that the certificate has to bear. */
  readonly servername: string;
  /** The proxy that is asked to let the connection through (CONNECT, RFC 9110, section 9.3.6). */
  readonly tunnelThrough?: URL | undefined;
  /** What is spoken over TLS; HTTP/1.1 unless said otherwise. */
  readonly application?: 'http/1.1' | 'h2';
}

/**
 * Opens a connection in its phases, each under its own limit.
 *
 * @throws SkillgateError `upstream_timeout` that names the phase, `upstream_error`; the signal's reason
 */
export async function openConnection(
  { host, secure, servername, tunnelThrough, application }: Destination,
  limits: ConnectLimits,
  { resolve, handshake }: ConnectionParts,
  signal: AbortSignal,
): Promise<Socket> {
  const socket = await withinPhase('connect', limits.connectMs, signal, async (phase) => {
    if (tunnelThrough !== undefined) return tunnel(tunnelThrough, host, resolve, handshake, phase);
    return dial(host.name, host.port, resolve, phase).catch(
      failure(connectFailure, 'The model server', signal),
    );
  });
  if (!secure) return socket;
  return withinPhase('TLS', limits.tlsMs, signal, (phase) =>
    handshake(socket, servername, phase, application).catch(
      failure(handshakeFailure, 'The model server', signal),
    ),
  );
}

/** Asks a proxy for a connection to the host. */
async function tunnel(
  proxy: URL,
  host: Host,
  resolve: Resolve,
  handshake: Handshake,
  signal: AbortSignal,
): Promise<Socket> {
  const at = hostOf(proxy);
  const peer = 'The proxy on the way to the model server';
  let socket = await dial(at.name, at.port, resolve, signal).catch(failure(connectFailure, peer, signal));
  if (proxy.protocol === 'https:') {
    socket = await handshake(socket, at.name, signal).catch(failure(handshakeFailure, peer, signal));
  }
  const authority = host.name.includes(':') ? `[${host.name}]:${host.port}` : `${host.name}:${host.port}`;
  const asked = request({
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...proxyAuthorization(proxy) },
    createConnection: () => socket,
  });
  asked.end();
  const [response, , first] = await untilOpen(socket, 'connect', signal, asked).catch(
    failure(connectFailure, peer, signal),
  );
  const status = isResponse(response) ? response.statusCode : 0;
  if (status !== 200) {
    socket.destroy();
    throw new SkillgateError('upstream_error', `${peer} answers ${status}.`, {
      retryable: status >= 500,
      mayHaveRun: false,
    });
  }
  // A server of HTTP/2 speaks first, and its first words may come with the proxy's.
  if (first instanceof Uint8Array && first.length > 0) socket.unshift(first);
  return socket;
}

function isResponse(value: unknown): value is { readonly statusCode: number } {
  return typeof value === 'object' && value !== null && 'statusCode' in value;
}

/** The credentials that the proxy's URL holds, as a header (RFC 7617). */
export function proxyAuthorization({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '') return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(pair).toString('base64')}` };
}

/** Turns what Node throws into what callers may read; what the signal threw passes. */
function failure(
  describe: (error: unknown, peer: string) => SkillgateError,
  peer: string,
  signal: AbortSignal,
): (error: unknown) => never {
  return (error) => {
    throw signal.aborted ? signal.reason : describe(error, peer);
  };
}
