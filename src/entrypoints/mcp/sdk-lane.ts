import { createMcpHandler } from '@modelcontextprotocol/server';
import type { FastifyRequest } from 'fastify';
import type { JsonValue } from '../../contracts/json.ts';
import { type CallOrigin, createSdkServer, type ServerIdentity } from './sdk-server.ts';
import type { ToolHost } from './tool-host.ts';

/** The way of requests through the official SDK. */
export interface SdkLane {
  /**
   * Answers a request.
   *
   * @param body parsed from JSON; undefined where it is none, which the SDK refuses
   * @param signal ends the exchange, and streams that would go on
   */
  answer(
    request: FastifyRequest,
    body: JsonValue | undefined,
    origin: CallOrigin,
    signal: AbortSignal,
  ): Promise<Response>;
  /** Tells every open subscription that the tools have changed. */
  announce(): void;
}

export interface SdkLaneOptions {
  readonly host: ToolHost;
  readonly identity: ServerIdentity;
  /** The largest body that the SDK may read, in bytes. */
  readonly bodyLimit: number;
  readonly onError: (error: Error) => void;
}

/** Lets the SDK serve both eras, statelessly: a server for each exchange. */
export function createSdkLane({ host, identity, bodyLimit, onError }: SdkLaneOptions): SdkLane {
  const origins = new WeakMap<Request, CallOrigin>();
  const handler = createMcpHandler(
    ({ requestInfo }) =>
      createSdkServer(host, identity, () => {
        const origin = requestInfo && origins.get(requestInfo);
        if (origin === undefined) throw new Error('a request came past the door');
        return origin;
      }),
    { maxRequestBodySize: bodyLimit, onerror: onError },
  );
  return {
    async answer(request, body, origin, signal) {
      const webRequest = toWebRequest(request, signal);
      origins.set(webRequest, origin);
      return handler.fetch(webRequest, body === undefined ? {} : { parsedBody: body });
    },
    announce: () => handler.notify.toolsChanged(),
  };
}

function toWebRequest(request: FastifyRequest, signal: AbortSignal): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  const { method, body } = request;
  return new Request(`http://${request.host || 'localhost'}${request.url}`, {
    method,
    headers,
    signal,
    ...(method === 'POST' && { body: typeof body === 'string' ? body : '' }),
  });
}
