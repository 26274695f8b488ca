import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SkillgateError } from '../contracts/errors.ts';
import type { CacheDirective } from '../contracts/invocation.ts';

const requestIdPattern = /^[\w.:-]{1,128}$/;

/** The request's own `X-Request-Id` where it is a plausible one, else a new UUID. */
export function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && requestIdPattern.test(given) ? given : randomUUID();
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

/** A signal that aborts when the caller closes the connection before the answer was sent. */
export function callerSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (reply.raw.writableEnded) return;
    controller.abort(new SkillgateError('cancelled', 'The caller closed the connection.'));
  });
  return controller.signal;
}
