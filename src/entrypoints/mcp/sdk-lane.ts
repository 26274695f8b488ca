import { createMcpHandler, SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import type { FastifyRequest } from 'fastify';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json.ts';
import { declaresTasks } from './direct-request.ts';
import { coreTasksRevision } from './era.ts';
import { createSdkServer, type ServerIdentity } from './sdk-server.ts';
import { undeclaredTasks } from './sdk-tasks.ts';
import type { TaskHost } from './task-host.ts';
import type { CallOrigin, ToolHost } from './tool-host.ts';

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
  readonly tasks: TaskHost;
  readonly identity: ServerIdentity;
  /** The largest body that the SDK may read, in bytes. */
  readonly bodyLimit: number;
  readonly onError: (error: Error) => void;
}

function whoKnows(): never {
  throw new Error('a request came past the door');
}

interface Exchange {
  readonly origin: CallOrigin;
  readonly hasCoreTasks: boolean;
}

/** Lets the SDK serve both eras, statelessly: a server for each exchange. */
export function createSdkLane({ host, tasks, identity, bodyLimit, onError }: SdkLaneOptions): SdkLane {
  const exchanges = new WeakMap<Request, Exchange>();
  const handler = createMcpHandler(
    ({ requestInfo, era }) => {
      const exchange = requestInfo && exchanges.get(requestInfo);
      // A body that is no JSON comes as another request than it went: it is refused before anybody asks whose it is.
      if (exchange === undefined) return createSdkServer(host, identity, whoKnows);
      const offer = era === 'modern' || exchange.hasCoreTasks ? { tasks, era } : undefined;
      return createSdkServer(host, identity, () => exchange.origin, offer);
    },
    { maxRequestBodySize: bodyLimit, onerror: onError },
  );
  return {
    async answer(request, body, origin, signal) {
      if (listensForUndeclaredTasks(body)) {
        const { code, message, data } = undeclaredTasks();
        const { id = null } = body;
        return Response.json({ jsonrpc: '2.0', id, error: { code, message, data } }, { status: 400 });
      }
      const webRequest = toWebRequest(request, signal);
      exchanges.set(webRequest, { origin, hasCoreTasks: hasCoreTasks(body, webRequest.headers) });
      return handler.fetch(webRequest, body === undefined ? {} : { parsedBody: body });
    },
    announce: () => handler.notify.toolsChanged(),
  };
}

/** Whether a request of the revisions before 2026-07-28 is of the one that has tasks. */
function hasCoreTasks(body: JsonValue | undefined, headers: Headers): boolean {
  if (!isJsonObject(body) || body.method !== 'initialize') {
    return headers.get('mcp-protocol-version') === coreTasksRevision;
  }
  const asked = isJsonObject(body.params) ? body.params.protocolVersion : undefined;
  // Whoever asks for a revision that nobody knows gets the newest that begins with `initialize`: this one.
  const isOlder =
    typeof asked === 'string' && asked < coreTasksRevision && SUPPORTED_PROTOCOL_VERSIONS.includes(asked);
  return !isOlder;
}

/** Whether news of tasks are asked for, of which the SDK knows nothing, by a client that does not take tasks. */
function listensForUndeclaredTasks(body: JsonValue | undefined): body is JsonObject {
  if (!isJsonObject(body) || body.method !== 'subscriptions/listen' || !isJsonObject(body.params))
    return false;
  const { notifications, _meta } = body.params;
  const asks = isJsonObject(notifications) && notifications.taskIds !== undefined;
  return asks && isJsonObject(_meta) && !declaresTasks(_meta);
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
