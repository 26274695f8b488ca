import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SkillgateError } from '../contracts/errors.ts';
import type { CacheDirective } from '../contracts/invocation.ts';

const requestIdPattern = /^[\w.:-]{1,128}$/;

/** What the ids of this process begin with. */
const idPrefix = randomBytes(10).toString('hex');
let idCount = 0;

/**
 * The request's own `X-Request-Id` where it is a plausible one, else a new id of 32 hexadecimal digits: a random
 * beginning for the process, and a count.
 */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && requestIdPattern.test(given) ? given : newRequestId();
}

function newRequestId(): string {
  idCount += 1;
  return idPrefix + idCount.toString(16).padStart(12, '0');
}

/** Where the caller finds this gateway, as its own request has it: scheme and host, without a slash at the end. */
export function gatewayUrlOf({ protocol, host }: FastifyRequest): string {
  return `${protocol}://${host}`;
}

/** The caller's `traceparent` (W3C Trace Context), as it was given. */
export function traceparentOf(request: FastifyRequest): string | undefined {
  const given = request.headers.traceparent;
  return typeof given === 'string' ? given : undefined;
}

/** What the request's `Cache-Control` asks of the gateway's cache (RFC 9111, section 5.2.1). */
export function cacheDirectiveOf(request: FastifyRequest): CacheDirective {
  const given = request.headers['cache-control'];
  if (given === undefined) return 'default';
  const directives = given.toLowerCase().split(/\s*,\s*/);
  if (directives.includes('no-store')) return 'no-store';
  return directives.includes('no-cache') || directives.includes('max-age=0') ? 'no-cache' : 'default';
}

/** The calls under way on each connection. */
const callsOf = new WeakMap<Socket, Set<AbortController>>();

/**
 * Makes a call on a signal that aborts when the caller closes the connection. One listener a connection sees to it,
 * since connections live for many calls; one a response would cost each call several microseconds.
 */
export async function whileCallerStays<Result>(
  { raw: { socket } }: FastifyRequest,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const calls = callsOf.get(socket) ?? watchConnection(socket);
  const controller = new AbortController();
  calls.add(controller);
  try {
    return await call(controller.signal);
  } finally {
    calls.delete(controller);
  }
}

function watchConnection(socket: Socket): Set<AbortController> {
  const calls = new Set<AbortController>();
  callsOf.set(socket, calls);
  socket.once('close', () => {
    for (const controller of calls) {
      controller.abort(callerLeft());
    }
  });
  return calls;
}

/**
 * A signal that aborts when the caller closes the connection before the answer was sent whole: for answers that may be
 * streams, and so outlast the call that makes them.
 */
export function callerSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableEnded) controller.abort(callerLeft());
  });
  return controller.signal;
}

function callerLeft(): SkillgateError {
  return new SkillgateError('cancelled', 'The caller closed the connection.');
}
