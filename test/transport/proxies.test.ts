import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createProxyChoice } from '../../src/transport/proxies.ts';
import { createTransports, type TransportsOptions } from '../../src/transport/transports.ts';
import { unusedPort } from '../servers/listen.ts';
import { json, type ModelServer, startModelServer } from '../servers/model-server.ts';
import { type ProxyServer, startProxyServer } from '../servers/proxy-server.ts';

function pem(name: string): string {
  return readFileSync(join(import.meta.dirname, '__fixtures__', `${name}.pem`), 'utf8');
}

describe('the choice of a proxy', () => {
  const http = new URL('http://proxy.example:3128');
  const https = new URL('http://proxy.example:3129');

  function chosen(url: string, noProxy?: string): URL | undefined {
    return createProxyChoice({ httpProxy: http, httpsProxy: https, noProxy })(new URL(url));
  }

  test('goes by the scheme of the server', () => {
    expect(chosen('http://model.example/')).toBe(http);
    expect(chosen('https://model.example/')).toBe(https);
    expect(createProxyChoice({ httpProxy: http })(new URL('https://model.example/'))).toBeUndefined();
    expect(createProxyChoice({})(new URL('http://model.example/'))).toBeUndefined();
  });

  test.each(['http://localhost:8000/', 'http://127.0.0.1:8000/', 'http://127.8.9.1/', 'http://[::1]:8000/'])(
    'never sends %s away, for it is this machine',
    (url) => {
      expect(chosen(url)).toBeUndefined();
    },
  );

  test.each([
    ['*', 'http://model.example/', true],
    ['model.example', 'http://model.example/', true],
    ['MODEL.example', 'http://model.EXAMPLE./', true],
    ['model.example', 'http://gpu.model.example/', true],
    ['model.example', 'http://supermodel.example/', false],
    ['.example', 'http://model.example/', true],
    ['*.example', 'http://model.example/', true],
    ['*.model.example', 'http://model.example/', false],
    ['model.example:8501', 'http://model.example:8501/', true],
    ['model.example:8501', 'http://model.example/', false],
    ['model.example:80', 'http://model.example/', true],
    ['10.0.0.7', 'http://10.0.0.7:8501/', true],
    ['10.0.0.0/8', 'http://10.200.0.7:8501/', true],
    ['10.0.0.0/8', 'http://11.0.0.7/', false],
    ['10.0.0.0/8', 'http://model.example/', false],
    ['fd00::/8', 'http://[fd12::1]:8501/', true],
    ['fd12::1', 'http://[fd12::1]:8501/', true],
    ['[fd12::1]:8501', 'http://[fd12::1]:8501/', true],
    ['[fd12::1]:8501', 'http://[fd12::1]/', false],
    ['a.example, model.example', 'http://model.example/', true],
    ['a.example b.example', 'http://b.example/', true],
    ['', 'http://model.example/', false],
  ])('NO_PROXY=%s: %s goes the direct way: %s', (noProxy, url, direct) => {
    expect(chosen(url, noProxy) === undefined).toBe(direct);
  });
});

describe('through a proxy', () => {
  let server: ModelServer;
  let proxy: ProxyServer;
  let cleanUps: (() => Promise<void>)[];

  beforeEach(async () => {
    server = await startModelServer();
    proxy = await startProxyServer();
    cleanUps = [server.close, proxy.close];
  });

  afterEach(async () => {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  });

  function createTransport(options: TransportsOptions) {
    const transports = createTransports(options);
    cleanUps.push(() => transports.close());
    return transports.for({ timeouts: { connect_ms: 3000, tls_ms: 3000 } });
  }

  function post(url: URL) {
    return { method: 'POST', url, headers: {}, body: '{}', signal: new AbortController().signal };
  }

  test('an http: server is asked for by its whole URL, and connections are kept', async () => {
    server.always(json({ ok: true }));
    const url = new URL('/predict?top=1', server.url.replace('127.0.0.1', 'model.test'));
    const transport = createTransport({ httpProxy: new URL(proxy.url) });
    await expect(transport.exchange(post(url))).resolves.toMatchObject({ status: 200 });
    await transport.exchange(post(url));
    expect(proxy.asked).toEqual([`POST ${url.href}`, `POST ${url.href}`]);
    expect(server.requests[0]).toMatchObject({ path: '/predict?top=1', headers: { host: url.host } });
  });

  test("the proxy's user and password go to the proxy", async () => {
    const url = new URL(server.url.replace('127.0.0.1', 'model.test'));
    const withUser = new URL(proxy.url.replace('//', '//user:p%40ss@'));
    await createTransport({ httpProxy: withUser }).exchange(post(url));
    expect(proxy.authorizations).toEqual([`Basic ${Buffer.from('user:p@ss').toString('base64')}`]);
  });

  test('an https: server is reached by CONNECT, with its own certificate', async () => {
    const secure = await startModelServer({ tls: { cert: pem('server-cert'), key: pem('server-key') } });
    cleanUps.push(secure.close);
    const url = new URL(secure.url.replace('127.0.0.1', 'model.test'));
    const transport = createTransport({ httpsProxy: new URL(proxy.url), ca: pem('ca') });
    await expect(transport.exchange(post(url))).resolves.toMatchObject({ status: 200 });
    await transport.reach(url, new AbortController().signal);
    expect(proxy.asked).toEqual([`CONNECT ${url.host}`, `CONNECT ${url.host}`]);
    expect(secure.requests).toHaveLength(1);
  });

  test.each([
    [407, false],
    [503, true],
  ])(
    'a proxy that answers CONNECT with %s is upstream_error, worth another try: %s',
    async (status, retryable) => {
      proxy.answerConnect(status);
      const transport = createTransport({ httpsProxy: new URL(proxy.url) });
      await expect(transport.exchange(post(new URL('https://model.test/')))).rejects.toMatchObject({
        code: 'upstream_error',
        message: `The proxy on the way to the model server answers ${status}.`,
        retryable,
        mayHaveRun: false,
      });
    },
  );

  test('a proxy that is not there is named as the proxy', async () => {
    const transport = createTransport({ httpsProxy: new URL(`http://127.0.0.1:${await unusedPort()}`) });
    await expect(transport.exchange(post(new URL('https://model.test/')))).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The proxy on the way to the model server refuses connections (ECONNREFUSED).',
      retryable: true,
    });
  });

  test('NO_PROXY leads past it', async () => {
    const resolve: TransportsOptions['resolve'] = (_name, _options, callback) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    const url = new URL(server.url.replace('127.0.0.1', 'model.test'));
    await createTransport({ httpProxy: new URL(proxy.url), noProxy: '.test', resolve }).exchange(post(url));
    expect(proxy.asked).toEqual([]);
    expect(server.requests).toHaveLength(1);
  });
});
