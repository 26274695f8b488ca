import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createTransports, type TransportsOptions } from '../../src/transport/transports.ts';
import { json, startModelServer } from '../servers/model-server.ts';

const cleanUps: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

function pem(name: string): string {
  return readFileSync(join(import.meta.dirname, '__fixtures__', `${name}.pem`), 'utf8');
}

const serverTls = { cert: pem('server-cert'), key: pem('server-key') };

async function start(tls: object = {}) {
  const server = await startModelServer({ tls: { ...serverTls, ...tls } });
  cleanUps.push(server.close);
  server.always(json({ ok: true }));
  return server;
}

function exchange(url: string, options: TransportsOptions) {
  const transports = createTransports(options);
  cleanUps.push(() => transports.close());
  const request = { method: 'GET', url: new URL(url), headers: {}, signal: new AbortController().signal };
  return transports.for({ timeouts: { connect_ms: 3000, tls_ms: 3000 } }).exchange(request);
}

describe('TLS', () => {
  test('a certificate of an unknown authority is refused, and the detail says what to set', async () => {
    const server = await start();
    await expect(exchange(server.url, {})).rejects.toMatchObject({
      code: 'upstream_error',
      message: expect.stringContaining('UPSTREAM_CA_FILE'),
      retryable: false,
      mayHaveRun: false,
    });
    expect(server.requests).toHaveLength(0);
  });

  test('the authority of UPSTREAM_CA_FILE is trusted, by name and by address', async () => {
    const server = await start();
    await expect(exchange(server.url, { ca: pem('ca') })).resolves.toMatchObject({ status: 200 });
    const byName = server.url.replace('127.0.0.1', 'localhost');
    await expect(exchange(byName, { ca: pem('ca') })).resolves.toMatchObject({ status: 200 });
  });

  test('a certificate of another name is refused, and the detail does not name the host', async () => {
    const server = await start();
    const url = server.url.replace('127.0.0.1', 'other.test');
    const resolve: TransportsOptions['resolve'] = (_name, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    await expect(exchange(url, { ca: pem('ca'), resolve })).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model server and the gateway do not agree on TLS (ERR_TLS_CERT_ALTNAME_INVALID).',
      retryable: false,
    });
    const right = server.url.replace('127.0.0.1', 'model.test');
    await expect(exchange(right, { ca: pem('ca'), resolve })).resolves.toMatchObject({ status: 200 });
  });

  test('UPSTREAM_TLS_INSECURE takes any certificate', async () => {
    const server = await start();
    await expect(exchange(server.url, { tlsInsecure: true })).resolves.toMatchObject({ status: 200 });
  });

  test('the client certificate is presented where the server asks for one', async () => {
    const server = await start({ ca: pem('ca'), requestCert: true, rejectUnauthorized: true });
    await expect(exchange(server.url, { ca: pem('ca') })).rejects.toMatchObject({ code: 'upstream_error' });
    await expect(
      exchange(server.url, {
        ca: pem('ca'),
        clientCert: pem('client-cert'),
        clientKey: pem('client-key'),
      }),
    ).resolves.toMatchObject({ status: 200 });
  });

  test('a server that speaks no TLS is upstream_error', async () => {
    const server = await startModelServer();
    cleanUps.push(server.close);
    await expect(exchange(server.url.replace('http:', 'https:'), {})).rejects.toMatchObject({
      code: 'upstream_error',
      mayHaveRun: false,
    });
  });

  test('a certificate that cannot be read stops the start', () => {
    expect(() =>
      createTransports({ ca: pem('ca'), clientCert: 'no PEM', clientKey: pem('client-key') }),
    ).toThrow();
    expect(() =>
      createTransports({ clientCert: pem('client-cert'), clientKey: pem('server-key') }),
    ).toThrow();
  });

  test('100 requests one after the other share one connection', async () => {
    const server = await start();
    const transports = createTransports({ ca: pem('ca') });
    cleanUps.push(() => transports.close());
    const transport = transports.for({ timeouts: { connect_ms: 3000, tls_ms: 3000 } });
    const url = new URL(server.url);
    const { signal } = new AbortController();
    for (let count = 0; count < 100; count += 1)
      await transport.exchange({ method: 'GET', url, headers: {}, signal });
    expect(server.connections).toBe(1);
  });
});
