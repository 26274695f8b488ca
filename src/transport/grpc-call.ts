import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { SkillgateError } from '../contracts/errors.ts';
import type { GrpcRequest, GrpcResponse } from '../contracts/transport.ts';
import { exchangeFailure } from './failures.ts';

/** A byte that says whether the message is compressed, and its length in four (gRPC over HTTP/2, Length-Prefixed-Message). */
const prefixBytes = 5;

/** What a proxy's HTTP status means in gRPC (gRPC, HTTP to gRPC status code mapping). */
const statusOfHttp: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  429: 14,
  502: 14,
  503: 14,
  504: 14,
};
const unknownStatus = 2;

/**
 * Makes a unary call on a connection (gRPC over HTTP/2).
 *
 * @param maxBytes the largest answer that is taken
 * @param authorization the value of that header
 * @throws SkillgateError `upstream_error` where the connection breaks or the answer is not gRPC; the signal's reason
 */
export function grpcCall(
  session: ClientHttp2Session,
  request: GrpcRequest,
  maxBytes: number,
  authorization: string | undefined,
): Promise<GrpcResponse> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    signal.throwIfAborted();
    const stream = open(session, {
      ':method': 'POST',
      ':path': request.method,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...request.metadata,
      ...(authorization !== undefined && { authorization }),
    });
    const answer = new Answer(stream, request, maxBytes);
    const onAbort = () => {
      reject(signal.reason);
      // The server learns of it, and can stop its work.
      stream.close(constants.NGHTTP2_CANCEL);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    stream.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      try {
        resolve(answer.read());
      } catch (error) {
        reject(error);
      }
    });
    request.onSent?.();
    stream.end(withPrefix(request.message));
  });
}

function open(session: ClientHttp2Session, headers: OutgoingHttpHeaders): ClientHttp2Stream {
  try {
    return session.request(headers);
  } catch (cause) {
    throw new SkillgateError(
      'upstream_error',
      'The model server closed the connection before the call began.',
      {
        cause,
        retryable: true,
        mayHaveRun: false,
      },
    );
  }
}

function withPrefix(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + message.length);
  framed.writeUInt8(0);
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, prefixBytes);
  return framed;
}

/** What comes of a call, as it comes. */
class Answer {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #headers: IncomingHttpHeaders | undefined;
  #trailers: IncomingHttpHeaders | undefined;
  #error: unknown;

  constructor(stream: ClientHttp2Stream, request: GrpcRequest, maxBytes: number) {
    stream.on('response', (headers) => {
      request.onProgress?.();
      this.#headers = headers;
    });
    stream.on('data', (chunk: Buffer) => {
      request.onProgress?.();
      this.#bytes += chunk.length;
      this.#chunks.push(chunk);
      if (this.#bytes <= maxBytes + prefixBytes) return;
      this.#error = new SkillgateError(
        'upstream_error',
        `The model server's answer is larger than ${maxBytes} bytes.`,
      );
      stream.close(constants.NGHTTP2_CANCEL);
    });
    stream.on('trailers', (trailers) => {
      this.#trailers = trailers;
    });
    stream.on('error', (error) => {
      this.#error ??= failureOf(error, stream.rstCode, this.#headers !== undefined);
    });
  }

  /** @throws SkillgateError where there is no whole answer */
  read(): GrpcResponse {
    // An answer without a message has its status among the headers.
    const ending = this.#trailers ?? this.#headers ?? {};
    const status = Number(ending['grpc-status'] ?? Number.NaN);
    // Some servers reset the stream after they have said all.
    if (this.#error !== undefined && (Number.isNaN(status) || status === 0)) throw this.#error;
    if (Number.isNaN(status)) return this.#withoutStatus();
    if (status === 0) return { status, details: '', message: this.#message() };
    const details = decodeDetails(String(ending['grpc-message'] ?? ''));
    return { status, details, message: Buffer.alloc(0) };
  }

  /** The answer of something that does not speak gRPC, such as a proxy. */
  #withoutStatus(): GrpcResponse {
    const httpStatus = Number(this.#headers?.[':status']);
    if (this.#headers === undefined || httpStatus === 200) throw brokenOff(this.#headers !== undefined);
    const details = `HTTP status ${httpStatus}, and no gRPC`;
    return { status: statusOfHttp[httpStatus] ?? unknownStatus, details, message: Buffer.alloc(0) };
  }

  #message(): Buffer {
    const body = Buffer.concat(this.#chunks);
    const isWhole = body.length >= prefixBytes && body.readUInt32BE(1) === body.length - prefixBytes;
    if (isWhole && body.readUInt8() === 0) return body.subarray(prefixBytes);
    throw new SkillgateError('upstream_error', "The model server's answer is no single message of gRPC.");
  }
}

/** Tells why a call broke off. */
function failureOf(error: Error, resetCode: number | undefined, begun: boolean): SkillgateError {
  if (resetCode === constants.NGHTTP2_REFUSED_STREAM) {
    return new SkillgateError('upstream_error', 'The model server refused the call before it began.', {
      cause: error,
      retryable: true,
      mayHaveRun: false,
    });
  }
  if ('code' in error && error.code === 'ERR_HTTP2_ERROR') {
    return new SkillgateError('upstream_error', 'The model server does not speak gRPC as it should.', {
      cause: error,
    });
  }
  if ('code' in error && String(error.code).startsWith('ERR_HTTP2')) return brokenOff(begun, error);
  return exchangeFailure(error, begun);
}

function brokenOff(begun: boolean, cause?: Error): SkillgateError {
  const when = begun ? 'in the middle of its answer' : 'before it answered';
  return new SkillgateError('upstream_error', `The model server ended the call ${when}.`, {
    cause,
    retryable: !begun,
  });
}

/** A `grpc-message` is percent-encoded UTF-8; a broken one is taken as it is. */
function decodeDetails(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
