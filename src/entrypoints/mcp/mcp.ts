import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonValue } from '../../contracts/json.ts';
import type { Logger } from '../../contracts/logger.ts';
import { cacheDirectiveOf, callerSignal, gatewayUrlOf, traceparentOf } from '../request-context.ts';
import { createCancellations } from './cancellations.ts';
import { createChangeStreams } from './change-streams.ts';
import { createDirectLane } from './direct-lane.ts';
import type { DirectRequest } from './direct-request.ts';
import { answerStream } from './event-stream.ts';
import { resultPath } from './kept-results.ts';
import { slowAfterMs } from './progress.ts';
import type { ServerIdentity } from './sdk-server.ts';
import type { TaskHost } from './task-host.ts';
import type { Tool } from './tool.ts';
import type { CallOrigin, ToolHost } from './tool-host.ts';

export interface McpOptions {
  readonly host: ToolHost;
  readonly tasks: TaskHost;
  readonly identity: ServerIdentity;
  readonly logger: Logger;
  /** The largest body, in bytes. */
  readonly bodyLimit: number;
  /** Tells after every change of the skills that are served; gives the end of it. */
  readonly onChange: (listener: () => void) => () => void;
  /** Aborts when the gateway is on its way out. */
  readonly drainSignal: AbortSignal;
  /** Parses JSON without rounding integers; throws SyntaxError. */
  readonly parseJson: (text: string) => JsonValue;
}

/**
 * `/mcp`: Streamable HTTP of 2026-07-28 and of the revisions before it, on one route. Plain calls and lists are
 * answered here; everything else, and everything odd, by the official SDK.
 */
export const mcp: FastifyPluginAsync<McpOptions> = async (app, options) => {
  const { host, tasks, identity, logger, bodyLimit, onChange, drainSignal, parseJson } = options;
  const streams = createChangeStreams();
  const cancellations = createCancellations();
  const direct = createDirectLane({ host, tasks, identity });

  /** The SDK takes a tenth of a second to load: only whoever calls `/mcp` waits for it. */
  async function loadSdk() {
    const { createSdkLane } = await import('./sdk-lane.ts');
    const { readDirectRequest } = await import('./direct-request.ts');
    // At debug, since the SDK's words may quote the message.
    const onError = (err: Error) => logger.debug({ err }, 'mcp_request_refused');
    return { lane: createSdkLane({ host, tasks, identity, bodyLimit, onError }), readDirectRequest };
  }
  let sdk: ReturnType<typeof loadSdk> | undefined;

  const stopListening = onChange(() => {
    streams.announce();
    void sdk?.then(({ lane }) => lane.announce());
  });
  drainSignal.addEventListener('abort', () => streams.close(), { once: true });
  app.addHook('onClose', async () => stopListening());

  // Whether the body is JSON, the protocol says in its own words.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
  const sameOrigin = { config: { sameOriginOnly: true } };

  app.post('/mcp', sameOrigin, async (request, reply) => {
    sdk ??= loadSdk();
    const { lane, readDirectRequest } = await sdk;
    const body = readJson(request.body, parseJson);
    if (Array.isArray(body))
      return refuse(reply, 400, -32600, 'JSON-RPC batches are not part of MCP any more');

    const origin = originOf(request);
    const plain = body === undefined ? undefined : readDirectRequest(body, request.headers);
    if (plain !== undefined) {
      if (plain.call === undefined) return sendJson(reply, direct.list(plain, origin.caller));
      const tool = host.find(plain.call.name, origin.caller);
      if (tool !== undefined) return call(request, reply, origin, plain, tool);
    }

    const { method, params } = isJsonObject(body) ? body : {};
    if (method === 'notifications/cancelled' && isJsonObject(params)) {
      cancellations.cancel(sessionOf(request), origin.caller.id, params.requestId);
    }
    if (method === 'initialize') reply.header('mcp-session-id', cancellations.newSession());
    const left = callerSignal(reply);
    const signal = method === 'subscriptions/listen' ? AbortSignal.any([left, drainSignal]) : left;
    return sendResponse(reply, await lane.answer(request, body, origin, signal));
  });

  async function call(
    request: FastifyRequest,
    reply: FastifyReply,
    origin: CallOrigin,
    plain: DirectRequest,
    tool: Tool,
  ) {
    const left = callerSignal(reply);
    const cancellable = cancellations.open(sessionOf(request), origin.caller.id, plain.id);
    const signal = cancellable ? AbortSignal.any([left, cancellable.signal]) : left;
    const traceparent = plain.traceparent ?? origin.traceparent;
    const answer = direct.call(plain, tool, { ...origin, traceparent, signal });
    if (cancellable) void answer.then(cancellable.close);
    const inTime = await unlessSlow(answer);
    if (inTime !== undefined) return sendJson(reply, inTime);
    return sendEvents(reply, answerStream(answer, plain.progressToken));
  }

  // The answer to a HEAD would have no body, and its stream no end.
  app.get('/mcp', { ...sameOrigin, exposeHeadRoute: false }, async (request, reply) => {
    const isStateless = request.headers['mcp-protocol-version'] === '2026-07-28';
    const takesEvents = request.headers.accept?.includes('text/event-stream') === true;
    if (isStateless || !takesEvents) return refuseMethod(reply);
    const stream = streams.open();
    if (stream === undefined) throw new SkillgateError('overloaded', 'Too many streams are open.');
    return sendEvents(reply, stream);
  });

  app.delete('/mcp', sameOrigin, async (_request, reply) => refuseMethod(reply));
};

function originOf(request: FastifyRequest): CallOrigin {
  return {
    caller: request.caller,
    requestId: request.id,
    traceparent: traceparentOf(request),
    cacheDirective: cacheDirectiveOf(request),
    resultUrl: (id) => gatewayUrlOf(request) + resultPath(id),
  };
}

function sessionOf({ headers }: FastifyRequest): string | undefined {
  const session = headers['mcp-session-id'];
  return typeof session === 'string' ? session : undefined;
}

/** What the promise gives, if it does so before the call counts as slow. */
async function unlessSlow(answer: Promise<string>): Promise<string | undefined> {
  const slow = Promise.withResolvers<undefined>();
  const timer = setTimeout(slow.resolve, slowAfterMs, undefined);
  const first = await Promise.race([answer, slow.promise]);
  clearTimeout(timer);
  return first;
}

function sendJson(reply: FastifyReply, json: string): FastifyReply {
  return reply.header('content-type', 'application/json').send(json);
}

/** Sends what the SDK answers: a stream as a stream, anything else with its length. */
async function sendResponse(reply: FastifyReply, response: Response): Promise<FastifyReply> {
  if (response.headers.get('content-type')?.startsWith('text/event-stream')) return reply.send(response);
  for (const [name, value] of response.headers) reply.header(name, value);
  return reply.code(response.status).send(await response.text());
}

function sendEvents(reply: FastifyReply, stream: NodeJS.ReadableStream): FastifyReply {
  return reply
    .header('content-type', 'text/event-stream')
    .header('cache-control', 'no-cache, no-transform')
    .header('x-accel-buffering', 'no')
    .send(stream);
}

function refuseMethod(reply: FastifyReply): FastifyReply {
  return refuse(reply.header('allow', 'POST, GET'), 405, -32000, 'Method not allowed');
}

/** Refuses a request with a JSON-RPC error that belongs to no id. */
function refuse(reply: FastifyReply, status: number, code: number, message: string): FastifyReply {
  return reply.code(status).send({ jsonrpc: '2.0', id: null, error: { code, message } });
}

function readJson(body: unknown, parse: (text: string) => JsonValue): JsonValue | undefined {
  if (typeof body !== 'string') return undefined;
  try {
    return parse(body);
  } catch (error) {
    // The second: nested too deeply to be read.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined;
    throw error;
  }
}
