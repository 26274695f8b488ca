import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import fastifyPlugin from 'fastify-plugin';
import { type ErrorCode, SkillgateError } from '../contracts/errors.ts';
import type { Logger } from '../contracts/logger.ts';
import { problemMediaType, retryAfterSeconds, toProblem } from '../contracts/problem.ts';

export interface ErrorsOptions {
  readonly logger: Logger;
}

/** So much of a faulty header is shown to the one who sent it, in characters. */
const mostShown = 100;

/** Answers every error as a problem object (RFC 9457), whoever threw it. */
export const errors = fastifyPlugin<ErrorsOptions>(
  async (app, { logger }) => {
    app.setErrorHandler((error: FastifyError | SkillgateError, request, reply) => {
      const failure = error instanceof SkillgateError ? error : fromFramework(error, request);
      if (failure.code === 'internal' && !(error instanceof SkillgateError)) {
        logger.error({ request_id: request.id, err: error }, 'request_failed');
      }
      return sendProblem(failure, request, reply);
    });
    app.setNotFoundHandler((request, reply) =>
      sendProblem(
        new SkillgateError('not_found', `There is no ${request.method} ${pathOf(request)} here.`),
        request,
        reply,
      ),
    );
  },
  { name: 'errors' },
);

/** Answers what the framework refuses before any route is found: a path that it cannot read, or one that is too long. */
export function answerUnroutable(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const failure =
    error.code === 'FST_ERR_BAD_URL'
      ? new SkillgateError('invalid_request', 'The path of the request cannot be read.', { cause: error })
      : new SkillgateError('not_found', 'A part of the path is longer than any name here.', { cause: error });
  sendProblem(failure, request, reply.header('x-request-id', request.id));
}

/** What is wrong with a request that does not say which host it is for (RFC 9112, section 3.2). */
export function faultOfHost({ headers, raw }: FastifyRequest): SkillgateError | undefined {
  if (headers.host !== undefined || raw.httpVersion === '1.0') return undefined;
  return new SkillgateError('invalid_request', 'A request of HTTP/1.1 needs a Host header.');
}

/** Sends an error as a problem object with its status and headers. */
function sendProblem(failure: SkillgateError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(failure, request.id);
  const retryAfter = retryAfterSeconds(failure);
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter);
  return reply.code(problem.status).header('content-type', problemMediaType).send(JSON.stringify(problem));
}

/** What the framework itself refuses, by status: it names its errors by codes of its own. */
const codeOfStatus: Readonly<Partial<Record<number, ErrorCode>>> = {
  400: 'malformed_json',
  404: 'not_found',
  413: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
};

function fromFramework(error: FastifyError, request: FastifyRequest): SkillgateError {
  const code = codeOfStatus[error.statusCode ?? 500];
  if (code === 'unsupported_media_type') return unsupported(request, error);
  if (code !== undefined) return new SkillgateError(code, error.message, { cause: error });
  return new SkillgateError('internal', 'The gateway failed on this call; its log has the cause.', {
    cause: error,
  });
}

function unsupported({ headers }: FastifyRequest, cause: FastifyError): SkillgateError {
  const sent = headers['content-type'];
  const detail = sent
    ? `The body was sent as ${sent.slice(0, mostShown)}`
    : 'The body was sent without a type';
  return new SkillgateError('unsupported_media_type', `${detail}; only application/json is taken.`, {
    cause,
  });
}

function pathOf(request: FastifyRequest): string {
  const query = request.url.indexOf('?');
  return query === -1 ? request.url : request.url.slice(0, query);
}
