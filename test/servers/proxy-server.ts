import { createServer, request as forward, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { listen } from './listen.ts';

export interface ProxyServer {
  readonly url: string;
  /** What it was asked for: `CONNECT host:port`, or `METHOD URL`. */
  readonly asked: readonly string[];
  /** The `Proxy-Authorization` of each. */
  readonly authorizations: readonly (string | undefined)[];
  /** Answers CONNECT with this status from now on; 200 lets the connection through. */
  answerConnect(status: number): void;
  close(): Promise<void>;
}

/** Starts an HTTP proxy that leads every host name to 127.0.0.1, on a free port. */
export async function startProxyServer(): Promise<ProxyServer> {
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  let connectStatus = 200;

  function record(request: IncomingMessage): void {
    asked.push(`${request.method} ${request.url}`);
    authorizations.push(request.headers['proxy-authorization']);
  }

  const server = createServer((incoming, response) => {
    record(incoming);
    const { port, pathname, search } = new URL(incoming.url ?? '');
    const { method, headers } = incoming;
    const onward = forward(
      { host: '127.0.0.1', port, path: pathname + search, method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    incoming.pipe(onward);
  });
  server.on('connect', (request, client) => {
    record(request);
    if (connectStatus !== 200) {
      client.end(`HTTP/1.1 ${connectStatus} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const onward = connect(Number(new URL(`http://${request.url}`).port), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(client).pipe(onward);
    });
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy()).on('close', () => onward.destroy());
  });
  const { port, close } = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    authorizations,
    answerConnect(status) {
      connectStatus = status;
    },
    close,
  };
}
