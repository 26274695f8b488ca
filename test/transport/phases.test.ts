import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Resolve } from '../../src/transport/dial.ts';
import { createTransports, type Transports, type TransportsOptions } from '../../src/transport/transports.ts';
import { listen } from '../servers/listen.ts';
import { startModelServer } from '../servers/model-server.ts';

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

function open(options: TransportsOptions = {}): Transports {
  const transports = createTransports(options);
  cleanUps.push(() => transports.close());
  return transports;
}

function get(url: string, signal = new AbortController().signal) {
  return { method: 'GET', url: new URL(url), headers: {}, signal };
}

/** A server that takes connections and never says a word. */
async function startMute(): Promise<{ port: number; connected(): Promise<Socket> }> {
  const sockets: Socket[] = [];
  const waiters: ((socket: Socket) => void)[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    waiters.shift()?.(socket);
  });
  const { port, close } = await listen(server);
  cleanUps.push(() => {
    for (const socket of sockets) socket.destroy();
    return close();
  });
  return { port, connected: () => new Promise((resolve) => waiters.push(resolve)) };
}

const resolvesNever: Resolve = () => undefined;

function resolvesTo(...addresses: readonly string[]): Resolve {
  return (_hostname, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
}

describe('limits', () => {
  test('a name that is not resolved in time is a timeout of the connect phase', async () => {
    const transport = open({ resolve: resolvesNever }).for({ timeouts: { connect_ms: 20, tls_ms: 5000 } });
    await expect(transport.exchange(get('http://model.test/'))).rejects.toMatchObject({
      code: 'upstream_timeout',
      message: 'The model server did not answer in the connect phase within 20 ms (connect_ms).',
      retryable: true,
      mayHaveRun: false,
    });
  });

  test('a server that never agrees on TLS is a timeout of the TLS phase', async () => {
    const { port } = await startMute();
    const transport = open().for({ timeouts: { connect_ms: 5000, tls_ms: 20 } });
    const expected = {
      code: 'upstream_timeout',
      message: 'The model server did not answer in the TLS phase within 20 ms (tls_ms).',
      retryable: true,
      mayHaveRun: false,
    };
    await expect(transport.exchange(get(`https://127.0.0.1:${port}/`))).rejects.toMatchObject(expected);
    const { signal } = new AbortController();
    await expect(transport.reach(new URL(`https://127.0.0.1:${port}/`), signal)).rejects.toMatchObject(
      expected,
    );
  });

  test('a proxy that never lets the connection through is a timeout of the connect phase', async () => {
    const { port } = await startMute();
    const transport = open({ httpsProxy: new URL(`http://127.0.0.1:${port}`) }).for({
      timeouts: { connect_ms: 20, tls_ms: 5000 },
    });
    await expect(transport.exchange(get('https://model.test/'))).rejects.toMatchObject({
      code: 'upstream_timeout',
      message: expect.stringContaining('connect phase'),
    });
  });

  test('a connection that took too long is closed', async () => {
    const mute = await startMute();
    const connected = mute.connected();
    const transport = open().for({ timeouts: { connect_ms: 5000, tls_ms: 20 } });
    await expect(transport.exchange(get(`https://127.0.0.1:${mute.port}/`))).rejects.toThrow();
    const socket = await connected;
    if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve).resume());
    expect(socket.destroyed).toBe(true);
  });

  test('leaving ends the opening of a connection at once, with the reason', async () => {
    const mute = await startMute();
    const connected = mute.connected();
    const transport = open().for({ timeouts: { connect_ms: 5000, tls_ms: 5000 } });
    const controller = new AbortController();
    const reached = transport.reach(new URL(`https://127.0.0.1:${mute.port}/`), controller.signal);
    await connected;
    const reason = new Error('left');
    controller.abort(reason);
    await expect(reached).rejects.toBe(reason);
  });
});

describe('addresses', () => {
  test.each([
    'http://169.254.169.254/latest/meta-data/',
    'http://169.254.1.1/',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[fe80::1]/',
    'http://[fd00:ec2::254]/',
    'http://100.100.100.200/',
    'https://168.63.129.16/',
  ])('%s is refused before anything is dialled', async (url) => {
    const transport = open().for({ timeouts: { connect_ms: 50, tls_ms: 50 } });
    const expected = {
      code: 'upstream_error',
      message: 'Link-local and cloud metadata addresses are never dialled.',
      retryable: false,
      mayHaveRun: false,
    };
    await expect(transport.exchange(get(url))).rejects.toMatchObject(expected);
    await expect(transport.reach(new URL(url), new AbortController().signal)).rejects.toMatchObject(expected);
  });

  test('a metadata address is refused also where a proxy would do the dialling', async () => {
    const transport = open({ httpProxy: new URL('http://127.0.0.1:1') }).for({
      timeouts: { connect_ms: 50, tls_ms: 50 },
    });
    await expect(transport.exchange(get('http://169.254.169.254/'))).rejects.toThrow('never dialled');
  });

  test('a name that resolves to a metadata address is refused', async () => {
    const resolve = resolvesTo('169.254.169.254', 'fd00:ec2::254');
    const transport = open({ resolve }).for({ timeouts: { connect_ms: 50, tls_ms: 50 } });
    await expect(transport.exchange(get('http://model.test/'))).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'Link-local and cloud metadata addresses are never dialled.',
      retryable: false,
    });
  });

  test('of several addresses only those are dialled that may be', async () => {
    const server = await startModelServer();
    cleanUps.push(server.close);
    const transport = open({ resolve: resolvesTo('fe80::1', '127.0.0.1', '169.254.169.254') }).for({
      timeouts: { connect_ms: 1000, tls_ms: 50 },
    });
    const url = server.url.replace('127.0.0.1', 'model.test');
    await expect(transport.exchange(get(url))).resolves.toMatchObject({ status: 200 });
  });

  test('a name that resolves to something else a moment later is dialled at the address that was checked', async () => {
    const server = await startModelServer();
    cleanUps.push(server.close);
    let asked = 0;
    const transport = open({
      resolve(hostname, options, callback) {
        asked += 1;
        resolvesTo(asked === 1 ? '127.0.0.1' : '169.254.169.254')(hostname, options, callback);
      },
    }).for({ timeouts: { connect_ms: 1000, tls_ms: 50 } });
    await expect(
      transport.exchange(get(server.url.replace('127.0.0.1', 'model.test'))),
    ).resolves.toMatchObject({
      status: 200,
    });
    expect(asked).toBe(1);
  });
});

describe('UPSTREAM_ALLOW_HOSTS', () => {
  test('refuses every other host before anything is dialled', async () => {
    const server = await startModelServer();
    cleanUps.push(server.close);
    const timeouts = { connect_ms: 1000, tls_ms: 50 };
    const { port } = new URL(server.url);
    const allowed = open({ allowHosts: [`127.0.0.1:${port}`] }).for({ timeouts });
    await expect(allowed.exchange(get(server.url))).resolves.toMatchObject({ status: 200 });
    const refused = open({ allowHosts: ['*.svc.cluster.local', '127.0.0.1:1'] }).for({ timeouts });
    await expect(refused.exchange(get(server.url))).rejects.toMatchObject({
      code: 'upstream_error',
      message: "The model server's host is not among UPSTREAM_ALLOW_HOSTS.",
      retryable: false,
      mayHaveRun: false,
    });
    await expect(refused.reach(new URL(server.url), new AbortController().signal)).rejects.toThrow(
      'ALLOW_HOSTS',
    );
    expect(server.connections).toBe(1);
  });
});
