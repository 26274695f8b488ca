import type { FastifyRequest } from 'fastify';
import { SkillgateError } from '../contracts/errors.ts';
import { type JobStatus, jobStatuses } from '../contracts/jobs.ts';

/** A query as it came: a parameter that is given twice is a list. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

/** An sf-string (RFC 9651, section 3.3.3) of printable ASCII without escapes, or the same without its quotes. */
const keyPattern = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255}))$/;

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * The request's `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), with or without quotes.
 *
 * @throws SkillgateError `invalid_request` where it is none
 */
export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const match = typeof given === 'string' ? keyPattern.exec(given) : null;
  const key = match?.[1] ?? match?.[2];
  if (key === undefined) {
    throw invalid(
      'Idempotency-Key takes 1 to 255 printable ASCII characters, without quotes and backslashes',
    );
  }
  return key;
}

/** Whether the request prefers a job to waiting for the answer (RFC 7240, section 4.1). */
export function prefersAsync(request: FastifyRequest): boolean {
  const given = request.headers.prefer;
  if (given === undefined) return false;
  const text = Array.isArray(given) ? given.join(',') : given;
  return text.split(',').some((preference) => /^\s*respond-async\s*(;|$)/i.test(preference));
}

/** The number of the last event that the client has, from `Last-Event-ID`; 0 where it has none. */
export function lastEventIdOf(request: FastifyRequest): number {
  const given = request.headers['last-event-id'];
  if (given === undefined || given === '') return 0;
  if (typeof given === 'string' && /^\d{1,15}$/.test(given)) return Number(given);
  throw invalid('Last-Event-ID takes the id of an event of this job');
}

/** A whole number in the query. */
export function numberIn(query: Query, name: string, fallback: number, min: number, max: number): number {
  const given = query[name];
  if (given === undefined) return fallback;
  const value = typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw invalid(`${name} takes a whole number from ${min} to ${max}`);
}

/** A text in the query. */
export function textIn(query: Query, name: string): string | undefined {
  const given = query[name];
  if (given === undefined || typeof given === 'string') return given;
  throw invalid(`${name} is given more than once`);
}

/** A job's state in the query. */
export function statusIn(query: Query): JobStatus | undefined {
  const given = textIn(query, 'status');
  const status = jobStatuses.find((known) => known === given);
  if (given !== undefined && status === undefined) throw invalid(`status takes ${jobStatuses.join(', ')}`);
  return status;
}

/** The id of a job in the query. */
export function jobIdIn(query: Query, name: string): string | undefined {
  const given = textIn(query, name);
  if (given !== undefined && !idPattern.test(given)) throw invalid(`${name} takes the id of a job`);
  return given;
}

function invalid(detail: string): SkillgateError {
  return new SkillgateError('invalid_request', `${detail}.`);
}
