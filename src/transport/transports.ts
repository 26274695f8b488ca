import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { SkillgateError } from '../contracts/errors.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import type {
  CredentialSource,
  GrpcRequest,
  GrpcResponse,
  Transport,
  UpstreamRequest,
  UpstreamResponse,
} from '../contracts/transport.ts';
import { unlessAborted } from '../lib/abort.ts';
import { isMetadataAddress } from '../lib/metadata-address.ts';
import { createAllowedHosts } from './allowed-hosts.ts';
import { type Resolve, refusal, systemResolve } from './dial.ts';
import { Exchange } from './exchange.ts';
import { grpcCall } from './grpc-call.ts';
import { createGrpcSessions, type GrpcSessions } from './grpc-sessions.ts';
import { hostOf } from './host.ts';
import type { ConnectLimits } from './open-connection.ts';
import { createOrigins, type Origins, type Way } from './origins.ts';
import { createProxyChoice, type ProxyOptions } from './proxies.ts';
import { createHandshake, type TlsOptions } from './tls.ts';

export interface TransportsOptions extends TlsOptions, ProxyOptions {
  /** Patterns of the hosts that may be called; without them every host that a skill names. */
  readonly allowHosts?: readonly string[] | undefined;
  /** The largest answer that is taken, in bytes; 64 MiB unless said otherwise. */
  readonly maxResponseBytes?: number | undefined;
  /** How long a gRPC server may take to answer a ping, in milliseconds; 5 s unless said otherwise. */
  readonly pingMs?: number | undefined;
  /** How host names are resolved; the system's way unless said otherwise. */
  readonly resolve?: Resolve | undefined;
}

/** What one skill's way depends on. */
export interface SkillTransportOptions {
  readonly timeouts: Pick<SkillDefinition['timeouts'], 'connect_ms' | 'tls_ms'>;
  /** Without it no credentials are presented. */
  readonly credentials?: CredentialSource | undefined;
}

/** The ways to all model servers. Skills that share a server and its limits share connections. */
export interface Transports {
  /**
   * Says whether the host may be called at all, as far as the URL shows it.
   *
   * @throws SkillgateError `upstream_error` where it may not: a metadata address, or a host that is not allowed
   */
  checkHost(url: URL): void;
  for(options: SkillTransportOptions): Transport;
  /** Closes every connection; exchanges under way fail. */
  close(): Promise<void>;
}

/** The status code of gRPC for credentials that were refused. */
const unauthenticated = 16;
const defaultPingMs = 5000;
const defaultMaxResponseBytes = 64 * 1024 ** 2;

/**
 * Makes the ways to all model servers; once a process.
 *
 * @throws Error where a certificate or a key cannot be read
 */
export function createTransports(options: TransportsOptions = {}): Transports {
  const parts = { resolve: options.resolve ?? systemResolve, handshake: createHandshake(options) };
  const chooseProxy = createProxyChoice(options);
  const origins = createOrigins(parts, chooseProxy);
  const sessions = createGrpcSessions(parts, chooseProxy, options.pingMs ?? defaultPingMs);
  const isAllowed = options.allowHosts === undefined ? () => true : createAllowedHosts(options.allowHosts);
  const maxBytes = options.maxResponseBytes ?? defaultMaxResponseBytes;
  return {
    checkHost: (url) => checkHost(url, isAllowed),
    for: (skill) => createTransport({ origins, sessions, isAllowed, maxBytes }, skill),
    async close() {
      await Promise.all([origins.close(), sessions.close()]);
    },
  };
}

/** A way, and the path that its requests name. */
interface Route extends Way {
  readonly path: string;
}

/** What the ways to all model servers share. */
interface SharedWays {
  readonly origins: Origins;
  readonly sessions: GrpcSessions;
  readonly isAllowed: (url: URL) => boolean;
  readonly maxBytes: number;
}

function createTransport(
  { origins, sessions, isAllowed, maxBytes }: SharedWays,
  { timeouts, credentials }: SkillTransportOptions,
): Transport {
  const limits: ConnectLimits = { connectMs: timeouts.connect_ms, tlsMs: timeouts.tls_ms };
  // An adapter calls the same few URL objects again and again, and taking one apart costs more than a look-up.
  const routes = new WeakMap<URL, Route>();

  function routeTo(url: URL): Route {
    const known = routes.get(url);
    if (known) return known;
    checkHost(url, isAllowed);
    const way = origins.find(url, limits);
    const path = `${url.pathname}${url.search}`;
    const route = { ...way, path: way.wholeUrl ? `${url.origin}${path}` : path };
    routes.set(url, route);
    return route;
  }

  function send(request: UpstreamRequest, authorization: string | undefined): Promise<UpstreamResponse> {
    return new Promise((resolve, reject) => {
      request.signal.throwIfAborted();
      const { origin, path, headers } = routeTo(request.url);
      const exchange = new Exchange(request, maxBytes, origin.clients, resolve, reject);
      exchange.dispatch({
        path,
        method: request.method,
        headers: headerList(headers ? { ...request.headers, ...headers } : request.headers, authorization),
        body: request.body ?? null,
      });
    });
  }

  async function sendWith(source: CredentialSource, request: UpstreamRequest): Promise<UpstreamResponse> {
    const authorization = await present(source, request.signal);
    const response = await send(request, authorization);
    if (response.status !== 401 || authorization === undefined) return response;
    if (!(await unlessAborted(source.renew(authorization), request.signal))) return response;
    return send(request, await present(source, request.signal));
  }

  async function callWith(request: GrpcRequest, authorization: string | undefined): Promise<GrpcResponse> {
    request.signal.throwIfAborted();
    // What is checked, proxied and dialled by the scheme of HTTP is the same for gRPC, which is HTTP/2.
    const url = new URL(request.url.href.replace(/^grpc/, 'http'));
    checkHost(url, isAllowed);
    const session = await unlessAborted(sessions.open(url, limits), request.signal);
    try {
      return await grpcCall(session, request, maxBytes, authorization);
    } catch (error) {
      // The call may have been given up because the connection is dead, which the next one must not wait for as well.
      if (request.signal.aborted) sessions.check(session);
      throw error;
    }
  }

  return {
    async call(request) {
      const authorization = credentials && (await present(credentials, request.signal));
      const response = await callWith(request, authorization);
      if (response.status !== unauthenticated || credentials === undefined || authorization === undefined) {
        return response;
      }
      if (!(await unlessAborted(credentials.renew(authorization), request.signal))) return response;
      return callWith(request, await present(credentials, request.signal));
    },

    exchange:
      credentials === undefined
        ? (request) => send(request, undefined)
        : sendWith.bind(undefined, credentials),

    async reach(url, signal) {
      signal.throwIfAborted();
      const socket: Socket = await routeTo(url).origin.open(signal);
      socket.destroy();
    },
  };
}

/** Headers as undici takes them at once: a name, its value, the next name. To spread them costs more than the list. */
function headerList(headers: UpstreamRequest['headers'], authorization: string | undefined): string[] {
  const list: string[] = [];
  for (const name of Object.keys(headers)) list.push(name, headers[name] ?? '');
  if (authorization !== undefined) list.push('authorization', authorization);
  return list;
}

function present(
  source: CredentialSource,
  signal: AbortSignal,
): string | undefined | Promise<string | undefined> {
  const authorization = source.authorization();
  return authorization instanceof Promise ? unlessAborted(authorization, signal) : authorization;
}

/** Refuses what may not be called, also where a proxy would do the dialling and only the URL can be seen. */
function checkHost(url: URL, isAllowed: (url: URL) => boolean): void {
  const { name } = hostOf(url);
  if (isIP(name) !== 0 && isMetadataAddress(name)) throw refusal(name);
  if (isAllowed(url)) return;
  throw new SkillgateError('upstream_error', "The model server's host is not among UPSTREAM_ALLOW_HOSTS.", {
    cause: new Error(`${url.host} matches no pattern`),
    mayHaveRun: false,
  });
}
