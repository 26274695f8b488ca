import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { httpProtocol } from '../../src/adapters/http.ts';
import type { Adapter } from '../../src/contracts/adapter.ts';
import { createAttempt } from '../attempt.ts';
import {
  halfAnswer,
  hang,
  html,
  json,
  type ModelServer,
  redirect,
  reset,
  startModelServer,
  text,
} from '../servers/model-server.ts';
import {
  type AdapterOptions,
  createAdapter,
  type EndpointOverrides,
  faultsOf,
} from './adapter-under-test.ts';

let server: ModelServer;
let adapters: Adapter[];

beforeEach(async () => {
  server = await startModelServer();
  adapters = [];
});

afterEach(async () => {
  await Promise.all(adapters.map((adapter) => adapter.close()));
  await server.close();
});

function create(endpoint: EndpointOverrides = {}, options?: AdapterOptions): Adapter {
  const adapter = createAdapter(httpProtocol, { url: `${server.url}/predict`, ...endpoint }, options);
  adapters.push(adapter);
  return adapter;
}

const input = { text: 'Bonjour', top: 3 };

describe('the request', () => {
  test('is the input as JSON, with the names of the call', async () => {
    await create().infer(createAttempt(input));
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/predict',
        body: '{"text":"Bonjour","top":3}',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'x-request-id': 'request-1',
          traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
        },
      },
    ]);
  });

  test('goes by the method of the definition, with its headers', async () => {
    const headers = { 'X-Model': 'a', 'Content-Type': 'application/vnd.model+json' };
    await create({ method: 'PUT', headers }).infer(createAttempt(input));
    expect(server.requests).toMatchObject([
      { method: 'PUT', headers: { 'x-model': 'a', 'content-type': 'application/vnd.model+json' } },
    ]);
  });

  test('with GET is the query string, beside what the URL holds already', async () => {
    const all = { text: 'Bonjour & co', top: 3, raw: false, tags: ['a', 'b'], nothing: null, box: { x: 1 } };
    await create({ method: 'GET', url: `${server.url}/predict?v=2` }).infer(createAttempt(all));
    await create({ method: 'GET' }).infer(createAttempt({ text: 'a' }));
    expect(server.requests).toMatchObject([
      {
        method: 'GET',
        path: '/predict?v=2&text=Bonjour+%26+co&top=3&raw=false&tags=a&tags=b&box=%7B%22x%22%3A1%7D',
        body: '',
      },
      { path: '/predict?text=a' },
    ]);
    expect(server.requests[0]?.headers['content-type']).toBeUndefined();
  });

  test('is what the mapping makes of the input', async () => {
    const mapping = { request: async () => ({ inputs: ['mapped'] }) };
    await create({}, { mapping }).infer(createAttempt(input));
    expect(server.requests[0]?.body).toBe('{"inputs":["mapped"]}');
  });

  test('presents the credentials', async () => {
    const credentials = { authorization: () => 'Bearer abc', renew: async () => false };
    await create({}, { credentials }).infer(createAttempt(input));
    expect(server.requests[0]?.headers.authorization).toBe('Bearer abc');
  });
});

describe('the answer', () => {
  test('is the output, whatever JSON it is', async () => {
    for (const answer of [{ prediction: 'fr' }, [1, 2], 'fr', 0.5, null, false]) {
      server.next(json(answer));
      await expect(create().infer(createAttempt(input))).resolves.toEqual(answer);
    }
  });

  test('is what the mapping makes of it and of the input', async () => {
    server.next(json({ label: 'fr' }));
    const mapping = { response: async (body: unknown, given: unknown) => JSON.stringify([body, given]) };
    await expect(create({}, { mapping }).infer(createAttempt(input))).resolves.toBe(
      '[{"label":"fr"},{"text":"Bonjour","top":3}]',
    );
  });

  test('may hold NaN, which is for the output schema to judge', async () => {
    server.next(text('{"confidence": NaN}'));
    await expect(create().infer(createAttempt(input))).resolves.toEqual({ confidence: Number.NaN });
  });

  test.each([
    ['half of an answer', halfAnswer(), { code: 'upstream_error', retryable: false }],
    ['a reset', reset(), { code: 'upstream_error', retryable: true }],
    ['an HTML page', html(200, 'Welcome'), { code: 'upstream_error', retryable: false }],
    ['an empty body', text('', { status: 204 }), { code: 'upstream_error', retryable: false }],
    ['500 with HTML', html(500, 'Internal Server Error'), { code: 'upstream_error', retryable: false }],
    ['401', json({ error: 'no' }, { status: 401 }), { code: 'upstream_unauthorized', retryable: false }],
    ['404', json({ detail: 'Not Found' }, { status: 404 }), { code: 'upstream_error', retryable: false }],
    [
      '429',
      json({ error: 'busy' }, { status: 429, headers: { 'retry-after': '2' } }),
      { code: 'upstream_error', retryable: true, retryAfterMs: 2000 },
    ],
    ['a redirect', redirect('/elsewhere'), { code: 'upstream_error', retryable: false }],
  ])('%s is an error that says so', async (_name, behaviour, expected) => {
    server.next(behaviour);
    await expect(create().infer(createAttempt(input))).rejects.toMatchObject(expected);
    expect(server.requests).toHaveLength(1);
  });

  test('an input that GET cannot carry is a fault of the mapping', async () => {
    const mapping = { request: async () => ['no object'] };
    const adapter = create({ method: 'GET' }, { mapping });
    await expect(adapter.infer(createAttempt(input))).rejects.toMatchObject({ code: 'internal' });
    expect(server.requests).toHaveLength(0);
  });
});

describe('the probe', () => {
  const { signal } = new AbortController();

  test('without ready_url a port that takes connections is ready, and nothing is sent', async () => {
    await expect(create().probe(signal)).resolves.toMatchObject({ state: 'ready' });
    expect(server.requests).toHaveLength(0);
  });

  test.each(['/health', `health`])('asks ready_url %s', async (ready) => {
    await expect(create({ options: { ready_url: ready } }).probe(signal)).resolves.toMatchObject({
      state: 'ready',
    });
    expect(server.requests).toMatchObject([{ method: 'GET', path: '/health', body: '' }]);
  });

  test('asks a ready_url on another port of the host', async () => {
    const other = await startModelServer();
    try {
      await create({ options: { ready_url: `${other.url}/ready` } }).probe(signal);
      expect(other.requests).toMatchObject([{ path: '/ready' }]);
      expect(server.requests).toHaveLength(0);
    } finally {
      await other.close();
    }
  });

  test.each([
    [503, 'loading'],
    [500, 'not_ready'],
    [404, 'not_ready'],
  ] as const)('says of %s: %s', async (status, state) => {
    server.next(json({ error: 'why' }, { status }));
    await expect(create({ options: { ready_url: '/health' } }).probe(signal)).resolves.toEqual({
      state,
      reason: `The model server answered ${status}: why`,
    });
  });

  test('says unreachable where the connection breaks off', async () => {
    server.next(reset());
    await expect(create({ options: { ready_url: '/health' } }).probe(signal)).resolves.toMatchObject({
      state: 'unreachable',
    });
  });

  test('ends when its time is over', async () => {
    server.next(hang());
    const controller = new AbortController();
    const requested = server.requested();
    const aborted = server.aborted();
    const probe = create({ options: { ready_url: '/health' } }).probe(controller.signal);
    const reason = new Error('too long');
    await requested;
    controller.abort(reason);
    await expect(probe).rejects.toBe(reason);
    await aborted;
  });
});

describe('a definition', () => {
  test.each(['http://localhost:8000/predict', 'https://model.example/', 'http://[::1]:8000/a?b=c'])(
    'may name %s',
    (url) => {
      expect(faultsOf(httpProtocol, { url })).toEqual([]);
    },
  );

  test.each([
    'localhost:8000/predict',
    '/predict',
    'file:model.onnx',
    'ftp://model.example/',
    'http://user:pw@model.example/',
  ])('may not name %s', (url) => {
    expect(faultsOf(httpProtocol, { url })).toMatchObject([{ pointer: '/endpoint/url' }]);
  });

  test.each([
    ['Authorization', 'Bearer abc', /credentials belong in \/auth/],
    ['Content-Length', '3', /the connection writes it/],
    ['x-request-id', 'a', /the gateway writes it/],
    ['x model', 'a', /not a header/],
    ['x/model~', 'a', /not a header/],
    ['x-model', 'a\r\nb: c', /not a header/],
  ])('may not set the header %s: %s', (name, value, reason) => {
    const faults = faultsOf(httpProtocol, { headers: { [name]: value } });
    const token = name.replaceAll('~', '~0').replaceAll('/', '~1');
    expect(faults).toEqual([
      { pointer: `/endpoint/headers/${token}`, reason: expect.stringMatching(reason) },
    ]);
  });

  test.each([
    ['/health', []],
    ['http://localhost:9000/health', []],
    ['https://localhost/health', []],
    ['http://elsewhere.example/health', ['/endpoint/options/ready_url']],
    ['ftp://localhost/health', ['/endpoint/options/ready_url']],
    ['//elsewhere.example/health', ['/endpoint/options/ready_url']],
  ])('with ready_url %s', (ready, pointers) => {
    const faults = faultsOf(httpProtocol, {
      url: 'http://localhost:8000/predict',
      options: { ready_url: ready },
    });
    expect(faults.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
