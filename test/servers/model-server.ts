import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { TlsOptions } from 'node:tls';
import { listen } from './listen.ts';

/** A request as it came, with its body read to the end. */
export interface RecordedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly bytes: Buffer;
  /** Whether the client went away before the answer was complete. */
  readonly aborted: boolean;
}

/** What the server does with one request: an answer, or a misdeed. */
export type Behaviour = (response: ServerResponse, request: RecordedRequest) => void;

export interface ModelServer {
  readonly url: string;
  /** Every request, in the order of their coming. */
  readonly requests: readonly RecordedRequest[];
  /** How many connections were opened. */
  readonly connections: number;
  /** Does these with the next requests, one each, and then again what it always does. */
  next(...behaviours: Behaviour[]): void;
  /** Does this with every request that `next` says nothing of. */
  always(behaviour: Behaviour): void;
  /** Resolves when the next request has come in full. */
  requested(): Promise<RecordedRequest>;
  /** Resolves when the next client goes away before its answer is complete. */
  aborted(): Promise<RecordedRequest>;
  close(): Promise<void>;
}

export interface ModelServerOptions {
  /** Speaks HTTPS. */
  readonly tls?: TlsOptions;
  /** How long an idle connection is kept, in milliseconds; 5 s unless said otherwise, as uvicorn does. */
  readonly keepAliveMs?: number;
}

/** Starts a model server that does as it is told, on a free port of 127.0.0.1. It answers `{}` until told. */
export async function startModelServer({
  tls,
  keepAliveMs = 5000,
}: ModelServerOptions = {}): Promise<ModelServer> {
  const requests: RecordedRequest[] = [];
  const planned: Behaviour[] = [];
  let usual = json({});
  let connections = 0;
  const requestWaiters: ((request: RecordedRequest) => void)[] = [];
  const abortWaiters: ((request: RecordedRequest) => void)[] = [];

  async function onRequest(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await readBody(incoming).catch(() => undefined);
    if (bytes === undefined) return;
    const request = {
      method: incoming.method ?? '',
      path: incoming.url ?? '',
      headers: incoming.headers,
      body: bytes.toString(),
      bytes,
      aborted: false,
    };
    requests.push(request);
    response.on('close', () => {
      if (response.writableFinished) return;
      request.aborted = true;
      for (const tell of abortWaiters.splice(0)) tell(request);
    });
    for (const tell of requestWaiters.splice(0)) tell(request);
    (planned.shift() ?? usual)(response, request);
  }

  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest);
  server.keepAliveTimeout = keepAliveMs;
  server.on('connection', () => {
    connections += 1;
  });
  const { port, close } = await listen(server);
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    requests,
    get connections() {
      return connections;
    },
    next: (...behaviours) => void planned.push(...behaviours),
    always(behaviour) {
      usual = behaviour;
    },
    requested: () => new Promise((resolve) => requestWaiters.push(resolve)),
    aborted: () => new Promise((resolve) => abortWaiters.push(resolve)),
    close,
  };
}

async function readBody(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export interface AnswerOptions {
  /** 200 unless said otherwise. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a value as JSON. */
export function json(value: unknown, options: AnswerOptions = {}): Behaviour {
  return text(JSON.stringify(value), {
    ...options,
    headers: { 'content-type': 'application/json', ...options.headers },
  });
}

/** Answers a text as it is. */
export function text(body: string, { status = 200, headers = {} }: AnswerOptions = {}): Behaviour {
  return (response) => response.writeHead(status, headers).end(body);
}

/** Answers an HTML page, as a proxy in front of a model does. */
export function html(status: number, title: string): Behaviour {
  const page = `<!DOCTYPE html><html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>`;
  return text(page, { status, headers: { 'content-type': 'text/html' } });
}

/** Answers a redirect. */
export function redirect(location: string): Behaviour {
  return text('', { status: 307, headers: { location } });
}

/** Does something after a while. */
export function after(ms: number, behaviour: Behaviour): Behaviour {
  return (response, request) => {
    const timer = setTimeout(() => behaviour(response, request), ms);
    response.on('close', () => clearTimeout(timer));
  };
}

/** Counts how many requests there are at a time, and the most there were. */
export function counting(behaviour: Behaviour) {
  const counter = { now: 0, most: 0 };
  const counted: Behaviour = (response, request) => {
    counter.now += 1;
    counter.most = Math.max(counter.most, counter.now);
    response.on('close', () => {
      counter.now -= 1;
    });
    behaviour(response, request);
  };
  return { counter, behaviour: counted };
}

/** Never answers. */
export function hang(): Behaviour {
  return () => undefined;
}

/** Resets the connection (TCP RST) instead of answering. */
export function reset(): Behaviour {
  return (response) => response.socket?.resetAndDestroy();
}

/** Closes the connection (TCP FIN) instead of answering, as a server does with a connection that was idle too long. */
export function hangUp(): Behaviour {
  return (response) => response.socket?.end();
}

/** Sends the headers and the first bytes of a body, and resets the connection. */
export function resetInTheMiddle(start = '{"predic'): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write(start, () => response.socket?.resetAndDestroy());
  };
}

/** Sends half of a chunked JSON answer, and closes the connection. */
export function halfAnswer(start = '{"prediction": "a'): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(start, () => response.socket?.end());
  };
}

/** Sends an answer byte by byte, the first at once, for as long as the client stays. */
export function trickle(body: string, everyMs: number): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    let at = 0;
    const send = () => {
      if (at < body.length) response.write(body[at++]);
      else response.end();
    };
    send();
    const timer = setInterval(send, everyMs);
    response.on('close', () => clearInterval(timer));
  };
}

/** Sends a body of this many bytes, chunked, without saying before how long it is. */
export function huge(bytes: number): Behaviour {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const chunk = Buffer.alloc(64 * 1024, '1');
    let left = bytes;
    const send = (): void => {
      while (left > 0 && !response.destroyed) {
        left -= chunk.length;
        if (!response.write(chunk)) {
          response.once('drain', send);
          return;
        }
      }
      response.end();
    };
    send();
  };
}
