import { createHash } from 'node:crypto';
import { SkillgateError } from '../../contracts/errors.ts';
import type { CacheDirective } from '../../contracts/invocation.ts';
import type { Idempotency, JobRequest } from '../../contracts/jobs.ts';
import { isJsonObject, type JsonValue } from '../../contracts/json.ts';

/** What RabbitMQ carries for a job: all that its record in Redis can be made of again. */
export interface JobMessage {
  readonly request: JobRequest;
  readonly key: StoredKey | undefined;
  /** Both as they are sent and stored: a line of JSON, and behind it the input's JSON text. */
  readonly text: string;
}

/** An idempotency key as it is stored. */
export interface StoredKey {
  /** A digest of caller, skill and key. */
  readonly name: string;
  readonly inputDigest: string;
}

/** RabbitMQ 4 takes messages of up to 16 MiB unless told otherwise, and closes the channel on a larger one. */
const maxBytes = 16 * 1024 * 1024;

/**
 * Writes a job as its message.
 *
 * @throws SkillgateError `payload_too_large` where a broker need not take it
 */
export function toMessage(request: JobRequest, idempotency: Idempotency | undefined): JobMessage {
  const { inputJson, caller, ...rest } = request;
  const key = idempotency && toStoredKey(request, idempotency);
  const skills = caller.skills === '*' ? caller.skills : [...caller.skills];
  const text = `${JSON.stringify({ ...rest, caller: { id: caller.id, skills }, key })}\n${inputJson}`;
  if (Buffer.byteLength(text) > maxBytes) {
    const mebibytes = maxBytes / 1024 / 1024;
    throw new SkillgateError('payload_too_large', `A job's input may have no more than ${mebibytes} MiB.`);
  }
  return { request, key, text };
}

/** Reads a message. @returns undefined where it is no job: anybody may publish to a queue */
export function readMessage(text: string): JobMessage | undefined {
  const end = text.indexOf('\n');
  const head = parse(text.slice(0, Math.max(end, 0)));
  const inputJson = text.slice(end + 1);
  if (!isJsonObject(head) || parse(inputJson) === undefined) return undefined;
  const { id, skill, version, requestId, createdAtMs, traceparent, key } = head;
  const caller = toCaller(head.caller);
  const cacheDirective = directives.find((known) => known === head.cacheDirective);
  if (typeof id !== 'string' || typeof skill !== 'string' || typeof version !== 'string') return undefined;
  if (typeof requestId !== 'string' || typeof createdAtMs !== 'number') return undefined;
  if (caller === undefined || cacheDirective === undefined) return undefined;
  return {
    request: {
      id,
      skill,
      version,
      inputJson,
      caller,
      requestId,
      traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      cacheDirective,
      createdAtMs,
    },
    key: readKey(key),
    text,
  };
}

const directives: readonly CacheDirective[] = ['default', 'no-cache', 'no-store'];

function toStoredKey({ caller, skill }: JobRequest, { key, inputDigest }: Idempotency): StoredKey {
  const name = createHash('sha256')
    .update(JSON.stringify([caller.id, skill, key]))
    .digest('hex');
  return { name, inputDigest };
}

function readKey(value: JsonValue | undefined): StoredKey | undefined {
  if (!isJsonObject(value)) return undefined;
  const { name, inputDigest } = value;
  return typeof name === 'string' && typeof inputDigest === 'string' ? { name, inputDigest } : undefined;
}

function toCaller(value: JsonValue | undefined): JobRequest['caller'] | undefined {
  if (!isJsonObject(value) || typeof value.id !== 'string') return undefined;
  const { id, skills } = value;
  if (skills === '*') return { id, skills };
  if (!Array.isArray(skills)) return undefined;
  return { id, skills: new Set(skills.filter((skill) => typeof skill === 'string')) };
}

function parse(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text);
  } catch {
    // Undefined is no JSON value, and says it.
    return undefined;
  }
}
