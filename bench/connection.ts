import { connect, type Socket } from 'node:net';

/** Told the status of each response, 0 where the connection broke. */
export type OnResponse = (status: number) => void;

/** A keep-alive connection that carries one request at a time. */
export interface Connection {
  /** Sends the bytes of a request. The buffer must not change until the response has come. */
  send(request: Buffer, onResponse: OnResponse): void;
  /** Whether the far side has not closed it. */
  readonly isOpen: boolean;
  close(): void;
}

const readBufferBytes = 16 * 1024;

/**
 * Opens an HTTP/1.1 connection that does no more than a load generator needs: it reads the status and the length of
 * a response, and throws the rest away. An HTTP client would cost as much as the gateway that is measured.
 */
export function openConnection(port: number): Promise<Connection> {
  let pending: OnResponse | undefined;
  let received = '';

  function settle(status: number): void {
    const onResponse = pending;
    pending = undefined;
    received = '';
    onResponse?.(status);
  }

  function read(length: number, buffer: Uint8Array): boolean {
    received += Buffer.from(buffer.buffer, buffer.byteOffset, length).toString('latin1');
    if (received.length >= responseLength(received)) settle(Number(received.slice(9, 12)));
    return true;
  }

  return new Promise((resolve, reject) => {
    const socket: Socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: Buffer.alloc(readBufferBytes), callback: read },
    });
    socket.once('error', reject);
    socket.on('close', () => settle(0));
    socket.once('connect', () => {
      socket.off('error', reject).on('error', () => settle(0));
      resolve({
        send(request, onResponse) {
          pending = onResponse;
          if (socket.destroyed) settle(0);
          else socket.write(request);
        },
        get isOpen() {
          return !socket.destroyed && !socket.readableEnded;
        },
        close: () => socket.destroy(),
      });
    });
  });
}

/** Length of a response with a Content-Length in characters of latin1; infinite while its headers are incomplete. */
function responseLength(text: string): number {
  const headersEnd = text.indexOf('\r\n\r\n');
  if (headersEnd === -1) return Number.POSITIVE_INFINITY;
  let at = text.indexOf('content-length: ');
  if (at === -1 || at > headersEnd) at = text.search(/content-length: /i);
  if (at === -1 || at > headersEnd) throw new Error(`a response without Content-Length: ${text}`);
  return headersEnd + 4 + Number.parseInt(text.slice(at + 16, at + 26), 10);
}
