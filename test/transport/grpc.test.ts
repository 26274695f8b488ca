import { readFileSync } from 'node:fs';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { ServerCredentials, status } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { CredentialSource, GrpcRequest } from '../../src/contracts/transport.ts';
import { bytesField } from '../../src/lib/protobuf.ts';
import { createTransports, type TransportsOptions } from '../../src/transport/transports.ts';
import {
  type GrpcHandler,
  type GrpcServerOptions,
  GrpcStatus,
  startGrpcServer,
} from '../servers/grpc-server.ts';
import { listen, unusedPort } from '../servers/listen.ts';
import { startModelServer } from '../servers/model-server.ts';
import { startProxyServer } from '../servers/proxy-server.ts';

const name = 'inference.GRPCInferenceService';

async function startServer(load: GrpcHandler, credentials?: GrpcServerOptions['credentials']) {
  const services = { [name]: { RepositoryModelLoad: load } };
  const server = await startGrpcServer({
    proto: 'inference.proto',
    services,
    ...(credentials && { credentials }),
  });
  onTestFinished(() => server.close());
  return server;
}

/** A server that does with every call as it is told. */
async function startRaw(behaviour: (stream: ServerHttp2Stream) => void): Promise<string> {
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined);
    behaviour(stream);
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  const { port, close } = await listen(server);
  onTestFinished(async () => {
    for (const session of sessions) session.destroy();
    await close();
  });
  return `grpc://127.0.0.1:${port}`;
}

function open(options: TransportsOptions = {}, credentials?: CredentialSource) {
  const transports = createTransports(options);
  onTestFinished(() => transports.close());
  return transports.for({ timeouts: { connect_ms: 500, tls_ms: 500 }, credentials });
}

function request(url: string, more: Partial<GrpcRequest> = {}): GrpcRequest {
  return {
    url: new URL(url),
    method: `/${name}/RepositoryModelLoad`,
    metadata: { 'x-request-id': 'request-1' },
    message: bytesField(2, 'double'),
    signal: new AbortController().signal,
    ...more,
  };
}

describe('a call over gRPC', () => {
  test('brings the message and the metadata, and tells when it goes out and when pieces come', async () => {
    const server = await startServer(() => ({}));
    const told: string[] = [];
    const response = await open().call(
      request(server.url, { onSent: () => told.push('sent'), onProgress: () => told.push('progressed') }),
    );
    expect(response).toEqual({ status: 0, details: '', message: Buffer.alloc(0) });
    expect(server.calls).toMatchObject([{ request: { repository_name: '', model_name: 'double' } }]);
    expect(server.calls[0]?.metadata.get('x-request-id')).toEqual(['request-1']);
    expect(told[0]).toBe('sent');
    expect(told.length).toBeGreaterThan(1);
  });

  test('carries megabytes, and shares one connection with others', async () => {
    const server = await startServer(() => ({}));
    const transport = open();
    const names = Array.from({ length: 5 }, (_, index) => String(index).repeat(1_000_000));
    await Promise.all(
      names.map((each) => transport.call(request(server.url, { message: bytesField(2, each) }))),
    );
    const got = server.calls.map((call) => (call.request as { readonly model_name: string }).model_name);
    expect(got.toSorted()).toEqual(names);
  });

  test('gives the status of a refusal, with its details', async () => {
    const server = await startServer(() => {
      throw new GrpcStatus(status.NOT_FOUND, 'no model "é"\n100 %');
    });
    await expect(open().call(request(server.url))).resolves.toMatchObject({
      status: 5,
      details: 'no model "é"\n100 %',
    });
  });

  test('is cancelled on the server when nobody waits any more', async () => {
    const server = await startServer(() => undefined);
    const leaving = new AbortController();
    const reason = new Error('left');
    const called = server.called('RepositoryModelLoad');
    const call = open().call(request(server.url, { signal: leaving.signal }));
    const ended = expect(call).rejects.toBe(reason);
    const { cancelled } = await called;
    leaving.abort(reason);
    await ended;
    await cancelled;
  });

  test('presents credentials, and fresh ones once where they are refused', async () => {
    const server = await startServer(({ metadata }) => {
      if (metadata.get('authorization')[0] === 'Bearer new') return {};
      throw new GrpcStatus(status.UNAUTHENTICATED, 'expired');
    });
    let token = 'old';
    const renewing: CredentialSource = {
      authorization: () => `Bearer ${token}`,
      async renew() {
        token = 'new';
        return true;
      },
    };
    await expect(open({}, renewing).call(request(server.url))).resolves.toMatchObject({ status: 0 });
    expect(server.calls).toHaveLength(2);
    const stale = { authorization: () => 'Bearer old', renew: async () => false };
    await expect(open({}, stale).call(request(server.url))).resolves.toMatchObject({ status: 16 });
  });

  test('goes over TLS, with the authority of UPSTREAM_CA_FILE', async () => {
    const pem = (file: string) => readFileSync(join(import.meta.dirname, '__fixtures__', `${file}.pem`));
    const credentials = ServerCredentials.createSsl(null, [
      { cert_chain: pem('server-cert'), private_key: pem('server-key') },
    ]);
    const server = await startServer(() => ({}), credentials);
    const ca = pem('ca').toString();
    await expect(open({ ca }).call(request(server.url))).resolves.toMatchObject({ status: 0 });
    await expect(open().call(request(server.url))).rejects.toThrow(/UPSTREAM_CA_FILE/);
  });

  test('goes through a proxy by CONNECT', async () => {
    const server = await startServer(() => ({}));
    const proxy = await startProxyServer();
    onTestFinished(() => proxy.close());
    const url = server.url.replace('127.0.0.1', 'model.test');
    await expect(open({ httpProxy: new URL(proxy.url) }).call(request(url))).resolves.toMatchObject({
      status: 0,
    });
    expect(proxy.asked).toEqual([`CONNECT ${new URL(url).host}`]);
  });

  test('opens another connection after the server went away', async () => {
    const transport = open();
    let stop = true;
    const url = await startRaw((stream) => {
      stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true });
      if (stop) stream.session?.close();
      stop = false;
    });
    await transport.call(request(url)).catch(() => undefined);
    await expect.poll(() => transport.call(request(url)).then(({ status: code }) => code)).toBe(5);
  });
});

/** A relay to a server, which can fall silent without closing anything. */
async function startRelay(to: string) {
  const sockets = new Set<Socket>();
  let silent = false;
  let connections = 0;
  const server = createTcpServer((client) => {
    connections += 1;
    const isFirst = connections === 1;
    const onward = connect(Number(new URL(to).port), '127.0.0.1');
    for (const [from, target] of [
      [client, onward],
      [onward, client],
    ] as const) {
      sockets.add(from.on('error', () => undefined));
      from.on('data', (chunk) => {
        if (!silent || !isFirst) target.write(chunk);
      });
    }
  });
  const { port, close } = await listen(server);
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await close();
  });
  return {
    url: `grpc://127.0.0.1:${port}`,
    fallSilent() {
      silent = true;
    },
    get connections() {
      return connections;
    },
  };
}

test('a connection that is dead is left after the call that found it so', async () => {
  const server = await startServer(() => ({}));
  const relay = await startRelay(server.url);
  const transport = open({ pingMs: 20 });
  await transport.call(request(relay.url));
  relay.fallSilent();
  const reason = new Error('too long');
  await expect(transport.call(request(relay.url, { signal: abortSoon(reason) }))).rejects.toBe(reason);
  await expect
    .poll(() => transport.call(request(relay.url, { signal: abortSoon(reason) })).catch(() => undefined))
    .toMatchObject({ status: 0 });
  expect(relay.connections).toBe(2);
});

function abortSoon(reason: Error): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 30);
  return controller.signal;
}

describe('a call is refused before it is made', () => {
  test.each([
    ['grpc://169.254.169.254:8001', {}, /never dialled/],
    ['grpc://model.test:8001', { allowHosts: ['other.test'] }, /UPSTREAM_ALLOW_HOSTS/],
    [
      'grpc://model.test:8001',
      {
        resolve: ((_name, _options, done) =>
          done(null, [{ address: '169.254.169.254', family: 4 }])) satisfies TransportsOptions['resolve'],
      },
      /never dialled/,
    ],
  ])('to %s with %j', async (url, options, message) => {
    await expect(open(options).call(request(url))).rejects.toMatchObject({
      code: 'upstream_error',
      message: expect.stringMatching(message),
      mayHaveRun: false,
    });
  });

  test('where nothing listens, and may be tried again', async () => {
    const url = `grpc://127.0.0.1:${await unusedPort()}`;
    await expect(open().call(request(url))).rejects.toMatchObject({
      code: 'upstream_error',
      retryable: true,
      mayHaveRun: false,
    });
  });
});

describe('an answer that is no gRPC is an error:', () => {
  const respond =
    (headers: object, ...pieces: Buffer[]) =>
    (stream: ServerHttp2Stream) => {
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', ...headers },
        { waitForTrailers: true },
      );
      stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      for (const piece of pieces) stream.write(piece);
      stream.end();
    };

  test.each<[string, (stream: ServerHttp2Stream) => void, object]>([
    ['a message that is cut short', respond({}, Buffer.from([0, 0, 0, 0, 9, 1])), { retryable: false }],
    ['a message that is compressed', respond({}, Buffer.from([1, 0, 0, 0, 0])), { retryable: false }],
    ['no message', respond({}), { retryable: false }],
    [
      'no status',
      (stream) => {
        stream.respond({ ':status': 200 });
        stream.end();
      },
      { retryable: false },
    ],
    ['a reset', (stream) => stream.close(2), { retryable: true }],
    ['a refusal of the stream', (stream) => stream.close(7), { retryable: true, mayHaveRun: false }],
    ['a connection that breaks', (stream) => stream.session?.destroy(), { retryable: true }],
    ['too many bytes', respond({}, Buffer.from([0, 0, 0, 9, 0]), Buffer.alloc(2304)), { retryable: false }],
  ])('%s', async (_what, behaviour, expected) => {
    const url = await startRaw(behaviour);
    await expect(open({ maxResponseBytes: 1000 }).call(request(url))).rejects.toMatchObject({
      code: 'upstream_error',
      ...expected,
    });
  });

  test("a proxy's own status is told as the one of gRPC that it stands for", async () => {
    const url = await startRaw((stream) => {
      stream.respond({ ':status': 503 });
      stream.end('<html>');
    });
    await expect(open().call(request(url))).resolves.toMatchObject({
      status: 14,
      details: 'HTTP status 503, and no gRPC',
    });
  });

  test('a server that speaks HTTP/1.1 only', async () => {
    const server = await startModelServer();
    onTestFinished(() => server.close());
    await expect(open().call(request(server.url.replace('http', 'grpc')))).rejects.toMatchObject({
      code: 'upstream_error',
    });
  });
});
