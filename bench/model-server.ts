import { once } from 'node:events';
import { createServer } from 'node:net';

export interface ModelServer {
  readonly port: number;
  close(): void;
}

const body = JSON.stringify({ prediction: 'fr', confidence: 0.9871 });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);

/**
 * A model server that answers every request at once with the same prediction. It speaks just enough HTTP/1.1 for
 * keep-alive clients that do not pipeline, so that it is never what limits the gateway.
 */
export async function startModelServer(): Promise<ModelServer> {
  const server = createServer({ noDelay: true }, (socket) => {
    let received = '';
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      const headersEnd = received.indexOf('\r\n\r\n');
      if (headersEnd === -1) return;
      const [, bodyLength = '0'] = /\r\ncontent-length: (\d+)/i.exec(received) ?? [];
      if (received.length < headersEnd + 4 + Number(bodyLength)) return;
      received = '';
      socket.write(answer);
    });
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the model server has no port');
  return { port: address.port, close: () => server.close() };
}
