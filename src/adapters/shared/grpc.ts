import { SkillgateError } from '../../contracts/errors.ts';
import type { GrpcResponse, UpstreamResponse } from '../../contracts/transport.ts';

/** The status codes of gRPC by number: their names, and what HTTP has for them (google.rpc.Code). */
const codes: readonly (readonly [name: string, http: number])[] = [
  ['OK', 200],
  ['CANCELLED', 499],
  ['UNKNOWN', 500],
  ['INVALID_ARGUMENT', 400],
  ['DEADLINE_EXCEEDED', 504],
  ['NOT_FOUND', 404],
  ['ALREADY_EXISTS', 409],
  ['PERMISSION_DENIED', 403],
  ['RESOURCE_EXHAUSTED', 429],
  ['FAILED_PRECONDITION', 400],
  ['ABORTED', 409],
  ['OUT_OF_RANGE', 400],
  ['UNIMPLEMENTED', 501],
  ['INTERNAL', 500],
  ['UNAVAILABLE', 503],
  ['DATA_LOSS', 500],
  ['UNAUTHENTICATED', 401],
];

/** The name of a status code of gRPC. */
export function nameOfStatus(status: number): string {
  return codes[status]?.[0] ?? `code ${status}`;
}

/** An answer over gRPC as one over HTTP, so that one classification of refusals serves both. */
export function asHttp({ status, details, message }: GrpcResponse): UpstreamResponse {
  const name = nameOfStatus(status);
  const http = codes[status]?.[1] ?? 500;
  const body = status === 0 ? message : Buffer.from(details === '' ? name : `${name}: ${details}`);
  return { status: http, headers: {}, body };
}

/** Whether an endpoint is spoken to over gRPC. */
export function isGrpc(url: string): boolean {
  return /^grpcs?:/i.test(url);
}

/**
 * Reads a message.
 *
 * @throws SkillgateError `upstream_error` where it is none
 */
export function readMessage<Message>(message: Uint8Array, read: (bytes: Uint8Array) => Message): Message {
  try {
    return read(message);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new SkillgateError('upstream_error', "The model server's answer is no message of the protocol.", {
      cause,
    });
  }
}
