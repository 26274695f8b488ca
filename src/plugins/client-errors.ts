import { maxHeaderSize, ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { SkillgateError } from '../contracts/errors.ts';
import type { Logger } from '../contracts/logger.ts';
import { problemMediaType, toProblem } from '../contracts/problem.ts';

export interface ClientErrorsOptions {
  readonly logger: Logger;
  /** How long a request may take to come, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** Makes the id of a request whose own could not be read. */
  readonly newRequestId: () => string;
}

/** What Node's HTTP server says of a connection; `code` is its own, llhttp's (HPE_…), or the system's. */
interface ConnectionFault {
  readonly code: string;
}

interface Refusal {
  readonly status: number;
  readonly detail: string;
}

/** Faults of a request's head: on a connection with earlier answers, others may be of a request that has its answer. */
const headFaults: ReadonlySet<string> = new Set([
  'HPE_HEADER_OVERFLOW',
  'HPE_INVALID_METHOD',
  'HPE_INVALID_URL',
  'HPE_INVALID_VERSION',
  'HPE_INVALID_HEADER_TOKEN',
]);

/**
 * Answers requests that end in Node's parser as problem objects (RFC 9457), and closes their connections: 400, 408 for
 * those that came too slowly, 431 for those with too much in their headers. No request that can be read comes here.
 */
export function createClientErrorHandler({ logger, requestTimeoutMs, newRequestId }: ClientErrorsOptions) {
  function refusalOf({ code }: ConnectionFault): Refusal {
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
      return { status: 408, detail: `The request did not come in full within ${requestTimeoutMs} ms.` };
    }
    if (code === 'HPE_HEADER_OVERFLOW') {
      return { status: 431, detail: `The headers have more than ${maxHeaderSize} bytes.` };
    }
    return { status: 400, detail: 'The request cannot be read as HTTP/1.1.' };
  }

  return (fault: ConnectionFault, socket: Socket): void => {
    if (fault.code === 'ECONNRESET' || socket.destroyed) return;
    if (mayAnswer(fault, socket)) {
      const { status, detail } = refusalOf(fault);
      const requestId = newRequestId();
      logger.info({ request_id: requestId, status, reason: fault.code }, 'request_refused');
      socket.write(writeAnswer(status, detail, requestId));
    }
    socket.destroySoon();
  };
}

/** Whether an answer would be taken for that of the request at fault, and for no part of another one. */
function mayAnswer({ code }: ConnectionFault, socket: Socket): boolean {
  // Node has no other way to tell which answer is under way on a connection.
  const current: unknown = '_httpMessage' in socket ? socket._httpMessage : undefined;
  if (!socket.writable) return false;
  if (current instanceof ServerResponse) return !current.headersSent;
  return socket.bytesWritten === 0 || headFaults.has(code);
}

function writeAnswer(status: number, detail: string, requestId: string): string {
  const problem = toProblem(new SkillgateError('invalid_request', detail), requestId);
  const body = JSON.stringify({ ...problem, status });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
  ];
  return `${head.join('\r\n')}\r\n\r\n${body}`;
}
