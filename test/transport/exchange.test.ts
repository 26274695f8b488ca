import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Transport, UpstreamRequest } from '../../src/contracts/transport.ts';
import { createTransports, type Transports, type TransportsOptions } from '../../src/transport/transports.ts';
import { unusedPort } from '../servers/listen.ts';
import {
  halfAnswer,
  hang,
  hangUp,
  huge,
  json,
  type ModelServer,
  redirect,
  reset,
  resetInTheMiddle,
  startModelServer,
  text,
  trickle,
} from '../servers/model-server.ts';

const timeouts = { connect_ms: 3000, tls_ms: 5000 };

let server: ModelServer;
let opened: Transports[];

beforeEach(async () => {
  server = await startModelServer();
  opened = [];
});

afterEach(async () => {
  await Promise.all(opened.map((transports) => transports.close()));
  await server.close();
});

function createTransport(options: TransportsOptions = {}): Transport {
  const transports = createTransports(options);
  opened.push(transports);
  return transports.for({ timeouts });
}

function post(overrides: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    method: 'POST',
    url: new URL('/predict', server.url),
    headers: { 'content-type': 'application/json' },
    body: '{"text":"a"}',
    signal: new AbortController().signal,
    ...overrides,
  };
}

describe('an exchange', () => {
  test('sends method, path, headers and body, and gives status, headers and body back', async () => {
    server.next(text('{"ok":true}', { status: 201, headers: { 'x-model': 'a' } }));
    const response = await createTransport().exchange(
      post({ url: new URL('/predict?top=3#part', server.url) }),
    );
    expect(response.status).toBe(201);
    expect(response.headers['x-model']).toBe('a');
    expect(response.body.toString()).toBe('{"ok":true}');
    expect(server.requests).toMatchObject([{ method: 'POST', path: '/predict?top=3', body: '{"text":"a"}' }]);
    expect(server.requests[0]?.headers).toMatchObject({ 'content-type': 'application/json' });
    expect(server.requests[0]?.headers['accept-encoding']).toBeUndefined();
  });

  test('puts the pieces of a long answer together', async () => {
    const long = 'x'.repeat(300_000);
    server.next(text(long));
    const { body } = await createTransport().exchange(post());
    expect(body.toString() === long).toBe(true);
  });

  test('gives any status back, and follows no redirect', async () => {
    server.next(redirect('/elsewhere'));
    const { status, headers } = await createTransport().exchange(post());
    expect({ status, location: headers.location }).toEqual({ status: 307, location: '/elsewhere' });
    expect(server.requests).toHaveLength(1);
  });

  test('tells when the request starts and when pieces of the answer come', async () => {
    server.next(trickle('[1]', 2));
    const events: string[] = [];
    await createTransport().exchange(
      post({ onSent: () => events.push('sent'), onProgress: () => events.push('progress') }),
    );
    expect(events[0]).toBe('sent');
    expect(events.filter((event) => event === 'sent')).toHaveLength(1);
    // The headers, and at least one piece.
    expect(events.filter((event) => event === 'progress').length).toBeGreaterThan(1);
  });
});

describe('connections', () => {
  test('100 requests one after the other share one connection', async () => {
    const transport = createTransport();
    for (let count = 0; count < 100; count += 1) await transport.exchange(post());
    expect(server.requests).toHaveLength(100);
    expect(server.connections).toBe(1);
  });

  test('two skills with the same server share connections, unless their limits differ', async () => {
    const transports = createTransports();
    opened.push(transports);
    await transports.for({ timeouts }).exchange(post());
    await transports.for({ timeouts: { ...timeouts } }).exchange(post());
    expect(server.connections).toBe(1);
    await transports.for({ timeouts: { ...timeouts, connect_ms: 1 + timeouts.connect_ms } }).exchange(post());
    expect(server.connections).toBe(2);
  });

  test('requests side by side get connections of their own', async () => {
    const transport = createTransport();
    await Promise.all(Array.from({ length: 8 }, () => transport.exchange(post())));
    expect(server.connections).toBe(8);
  });

  test('a connection that the server closed while it was idle is not used again', async () => {
    const transport = createTransport();
    await transport.exchange(post());
    server.next((response) => {
      response.end('{}');
      response.socket?.end();
    });
    await transport.exchange(post());
    await new Promise((resolve) => setTimeout(resolve, 20));
    await transport.exchange(post());
    expect(server.requests).toHaveLength(3);
    expect(server.connections).toBe(2);
  });

  test("an idle connection is closed before the server's own Keep-Alive hint ends", async () => {
    const hinting = await startModelServer({ keepAliveMs: 1000 });
    try {
      const transport = createTransport();
      const url = new URL(hinting.url);
      await transport.exchange(post({ url }));
      // A second less than the hint leaves nothing.
      await transport.exchange(post({ url }));
      expect(hinting.connections).toBe(2);
    } finally {
      await hinting.close();
    }
  });

  test('reach opens a connection and sends nothing', async () => {
    await createTransport().reach(new URL(server.url), new AbortController().signal);
    expect(server.connections).toBe(1);
    expect(server.requests).toHaveLength(0);
  });
});

describe('leaving', () => {
  test('ends a call at once with the reason, and closes the connection so that the model stops', async () => {
    server.next(hang());
    const controller = new AbortController();
    const reason = new Error('left');
    const requested = server.requested();
    const aborted = server.aborted();
    const exchange = createTransport().exchange(post({ signal: controller.signal }));
    await requested;
    controller.abort(reason);
    await expect(exchange).rejects.toBe(reason);
    await expect(aborted).resolves.toMatchObject({ path: '/predict', aborted: true });
  });

  test('ends a call in the middle of the answer', async () => {
    server.next(trickle('[1, 2, 3, 4, 5, 6, 7, 8, 9]', 5));
    const controller = new AbortController();
    const aborted = server.aborted();
    const reason = new Error('left');
    const exchange = createTransport().exchange(
      post({ signal: controller.signal, onProgress: () => controller.abort(reason) }),
    );
    await expect(exchange).rejects.toBe(reason);
    await aborted;
  });

  test('sends nothing for a call that had ended before', async () => {
    const reason = new Error('left');
    await expect(createTransport().exchange(post({ signal: AbortSignal.abort(reason) }))).rejects.toBe(
      reason,
    );
    await expect(createTransport().reach(new URL(server.url), AbortSignal.abort(reason))).rejects.toBe(
      reason,
    );
    expect(server.connections).toBe(0);
  });

  test('sends nothing for a call that ended while its connection was being opened', async () => {
    const controller = new AbortController();
    const transport = createTransport({
      resolve(_hostname, _options, callback) {
        controller.abort(new Error('left'));
        callback(null, [{ address: '127.0.0.1', family: 4 }]);
      },
    });
    const url = new URL(server.url.replace('127.0.0.1', 'model.test'));
    await expect(transport.exchange(post({ url, signal: controller.signal }))).rejects.toThrow('left');
    await createTransport().exchange(post());
    expect(server.requests).toHaveLength(1);
  });

  test('leaves no listener on a signal that lives on', async () => {
    const { signal } = new AbortController();
    const counted = countListeners(signal);
    const transport = createTransport();
    await transport.exchange(post({ signal }));
    server.next(reset());
    await expect(transport.exchange(post({ signal }))).rejects.toThrow();
    expect(counted.added).toBe(2);
    expect(counted.removed).toBe(2);
  });
});

function countListeners(signal: AbortSignal): { added: number; removed: number } {
  const counted = { added: 0, removed: 0 };
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...parameters: Parameters<typeof add>) => {
    counted.added += 1;
    add(...parameters);
  };
  signal.removeEventListener = (...parameters: Parameters<typeof remove>) => {
    counted.removed += 1;
    remove(...parameters);
  };
  return counted;
}

describe('failures', () => {
  test('a refused connection is upstream_error, worth another try, and did not reach the model', async () => {
    const url = new URL(`http://127.0.0.1:${await unusedPort()}`);
    const expected = { code: 'upstream_error', retryable: true, mayHaveRun: false };
    const transport = createTransport();
    await expect(transport.exchange(post({ url }))).rejects.toMatchObject(expected);
    await expect(transport.reach(url, new AbortController().signal)).rejects.toMatchObject(expected);
    await expect(transport.exchange(post({ url }))).rejects.toThrow('refuses connections (ECONNREFUSED)');
  });

  test('a name that does not resolve is upstream_error, worth another try', async () => {
    const url = new URL('http://no-such-host.invalid:8000/');
    const transport = createTransport({
      resolve: (_hostname, _options, callback) =>
        callback(
          Object.assign(new Error('getaddrinfo ENOTFOUND no-such-host.invalid'), { code: 'ENOTFOUND' }),
          [],
        ),
    });
    await expect(transport.exchange(post({ url }))).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model server has a name that does not resolve (ENOTFOUND).',
      retryable: true,
      mayHaveRun: false,
    });
  });

  test.each([
    ['reset', reset()],
    ['closed', hangUp()],
  ])(
    'a connection %s before the first byte is worth another try, but the model may have run',
    async (_name, misdeed) => {
      server.next(misdeed);
      await expect(createTransport().exchange(post())).rejects.toMatchObject({
        code: 'upstream_error',
        message: 'The model server closed the connection before it answered.',
        retryable: true,
        mayHaveRun: true,
      });
    },
  );

  test('so is a connection that was used before and is closed instead of answering (keep-alive race)', async () => {
    const transport = createTransport();
    await transport.exchange(post());
    server.next(reset());
    await expect(transport.exchange(post())).rejects.toMatchObject({
      code: 'upstream_error',
      retryable: true,
    });
    expect(server.connections).toBe(1);
    await expect(transport.exchange(post())).resolves.toMatchObject({ status: 200 });
  });

  test.each([
    ['reset after the headers', resetInTheMiddle()],
    ['closed after half of a chunked body', halfAnswer()],
  ])('an answer %s is not tried again', async (_name, misdeed) => {
    server.next(misdeed);
    await expect(createTransport().exchange(post())).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model server closed the connection in the middle of its answer.',
      retryable: false,
    });
  });

  test('an answer that is not HTTP is upstream_error', async () => {
    server.next((response) => response.socket?.end('SSH-2.0-OpenSSH_9.9\r\n'));
    await expect(createTransport().exchange(post())).rejects.toMatchObject({
      code: 'upstream_error',
      message: expect.stringContaining('not HTTP'),
      retryable: false,
    });
  });

  test('an answer larger than the limit is refused by its Content-Length, before it is read', async () => {
    server.next(text('x'.repeat(5000)));
    await expect(createTransport({ maxResponseBytes: 4999 }).exchange(post())).rejects.toMatchObject({
      code: 'upstream_error',
      message: "The model server's answer is larger than 4999 bytes.",
      retryable: false,
    });
    server.next(text('x'.repeat(5000)));
    await expect(createTransport({ maxResponseBytes: 5000 }).exchange(post())).resolves.toMatchObject({
      status: 200,
    });
  });

  test('and is not waited for', async () => {
    server.next((response) => response.writeHead(200, { 'content-length': '5000' }).flushHeaders());
    const aborted = server.aborted();
    await expect(createTransport({ maxResponseBytes: 4999 }).exchange(post())).rejects.toThrow(
      'larger than 4999 bytes',
    );
    await aborted;
  });

  test('an answer that grows past the limit is cut off', async () => {
    server.next(huge(10 * 1024 ** 2));
    const aborted = server.aborted();
    await expect(createTransport({ maxResponseBytes: 100_000 }).exchange(post())).rejects.toThrow(
      'larger than 100000 bytes',
    );
    await aborted;
  });

  test('the details name no host, address or port', async () => {
    const url = new URL(`http://127.0.0.1:${await unusedPort()}/secret-path`);
    const error = await createTransport()
      .exchange(post({ url }))
      .catch((thrown: unknown) => thrown);
    expect(String(error)).not.toMatch(/127\.0\.0\.1|secret-path|:\d{2,}/);
    expect(error).toMatchObject({ cause: { message: expect.stringContaining('127.0.0.1') } });
  });

  test('closing ends what is under way', async () => {
    server.next(hang());
    const requested = server.requested();
    const exchange = createTransport().exchange(post());
    await requested;
    const ended = expect(exchange).rejects.toMatchObject({ code: 'upstream_error' });
    await opened[0]?.close();
    await ended;
    const late = opened[0]?.for({ timeouts }).exchange(post());
    await expect(late).rejects.toThrow('The gateway is closing its connections.');
  });

  test('a header that HTTP cannot carry is a fault of the gateway', async () => {
    const headers = { 'x-model': 'a\r\nb: c' };
    await expect(createTransport().exchange(post({ headers }))).rejects.toMatchObject({ code: 'internal' });
    expect(server.requests).toHaveLength(0);
  });
});

describe('after a failure', () => {
  test('the next call goes well', async () => {
    const transport = createTransport();
    server.next(reset(), halfAnswer(), json({ ok: true }));
    await expect(transport.exchange(post())).rejects.toThrow();
    await expect(transport.exchange(post())).rejects.toThrow();
    await expect(transport.exchange(post())).resolves.toMatchObject({ status: 200 });
  });
});
