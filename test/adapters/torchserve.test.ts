import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { torchserveProtocol } from '../../src/adapters/torchserve.ts';
import type { Adapter } from '../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';
import { createAttempt } from '../attempt.ts';
import { json, type ModelServer, startModelServer, text } from '../servers/model-server.ts';
import fixtures from './__fixtures__/torchserve.json' with { type: 'json' };
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

function create(
  options: JsonObject = {},
  endpoint: EndpointOverrides = {},
  more: AdapterOptions = {},
): Adapter {
  const adapter = createAdapter(
    torchserveProtocol,
    { url: server.url, model: 'tiny cat', options, ...endpoint },
    more,
  );
  adapters.push(adapter);
  return adapter;
}

const input = { text: 'Bonjour', image: 'AP8=' };

describe('the request', () => {
  it('is the input as JSON, to the model and the version', async () => {
    await create({}, { model_version: '2.0' }).infer(createAttempt(input));
    expect(server.requests).toMatchObject([
      {
        method: 'POST',
        path: '/predictions/tiny%20cat/2.0',
        body: JSON.stringify(input),
        headers: { 'content-type': 'application/json', 'x-request-id': 'request-1' },
      },
    ]);
  });

  it.each([
    [{ input_name: 'text' }, 'application/json', Buffer.from('"Bonjour"')],
    [{ input_name: 'text', content: 'text' }, 'text/plain; charset=utf-8', Buffer.from('Bonjour')],
    [{ input_name: 'image', content: 'base64' }, 'application/octet-stream', Buffer.from([0, 255])],
    [{ api: 'kserve-v1', input_name: 'text' }, 'application/json', Buffer.from('{"instances":["Bonjour"]}')],
  ])('with %j has the type %s', async (options, type, bytes) => {
    server.next(json({ predictions: [1] }));
    await create(options).infer(createAttempt(input));
    expect(server.requests[0]?.headers['content-type']).toBe(type);
    expect(server.requests[0]?.bytes).toEqual(bytes);
  });

  it.each([
    [{ input_name: 'image', content: 'base64' }, { image: 'no base64!' }, '/image'],
    [{ input_name: 'text', content: 'text' }, { text: 3 }, '/text'],
  ])('cannot be made with %j of %j', async (options, value, pointer) => {
    await expect(create(options).infer(createAttempt(value))).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ pointer }],
      mayHaveRun: false,
    });
    expect(server.requests).toHaveLength(0);
  });
});

describe('the answer', () => {
  it.each<[string, string, JsonObject, JsonValue]>([
    ['{"tabby": 0.5}', 'application/json', {}, { tabby: 0.5 }],
    ['[1, 2]', 'application/json', {}, { prediction: [1, 2] }],
    ['3', 'text/plain', { output_name: 'digit' }, { digit: 3 }],
    ['a cat', 'text/plain; charset=utf-8', {}, { prediction: 'a cat' }],
    ['{"predictions": [0.25]}', 'application/json', { api: 'kserve-v1' }, { prediction: 0.25 }],
  ])('%s of the type %s', async (body, type, options, output) => {
    server.next(text(body, { headers: { 'content-type': type } }));
    await expect(create(options).infer(createAttempt(input))).resolves.toEqual(output);
  });

  it('without predictions is upstream_error', async () => {
    server.next(json({ predictions: [] }));
    await expect(create({ api: 'kserve-v1' }).infer(createAttempt(input))).rejects.toMatchObject({
      code: 'upstream_error',
    });
  });

  it('and the request go through the mapping', async () => {
    server.next(json([1]));
    const mapping = {
      request: async () => ({ data: 1 }),
      response: async (body: JsonValue, given: JsonValue) => [body, given],
    };
    await expect(create({}, {}, { mapping }).infer(createAttempt(input))).resolves.toEqual([[1], input]);
    expect(server.requests[0]?.body).toBe('{"data":1}');
  });

  test.each(fixtures)('of $name', async ({ status, body, expected, message }) => {
    server.next(text(body, { status }));
    await expect(create().infer(createAttempt(input))).rejects.toMatchObject({
      ...expected,
      message,
      upstreamStatus: status,
    });
  });
});

describe('the probe', () => {
  const { signal } = new AbortController();

  it.each<[JsonObject, JsonValue, number, string, string]>([
    [{}, { status: 'Healthy' }, 200, '/ping', 'ready'],
    [{}, { status: 'Unhealthy' }, 500, '/ping', 'not_ready'],
    [{}, { status: 'Unhealthy' }, 200, '/ping', 'not_ready'],
    [{ api: 'kserve-v1' }, { name: 'tiny', ready: true }, 200, '/v1/models/tiny%20cat', 'ready'],
    [{ api: 'kserve-v1' }, { error: 'not ready' }, 503, '/v1/models/tiny%20cat', 'loading'],
  ])('with %j says of %j (%i) at %s: %s', async (options, body, status, path, state) => {
    server.next(json(body, { status }));
    await expect(create(options).probe(signal)).resolves.toMatchObject({ state });
    expect(server.requests).toMatchObject([{ method: 'GET', path }]);
  });

  it.each([
    [[{ workers: [{ status: 'READY' }, { status: 'LOADING' }] }], 'ready'],
    [[{ workers: [{ status: 'LOADING' }] }], 'loading'],
    [[{ workers: [] }], 'not_ready'],
  ])('asks the management API for workers: %j is %s', async (body, state) => {
    server.next(json(body));
    const options = { management_url: server.url };
    await expect(create(options, { url: 'http://127.0.0.1:1' }).probe(signal)).resolves.toMatchObject({
      state,
    });
    expect(server.requests).toMatchObject([{ path: '/models/tiny%20cat' }]);
  });
});

describe('a definition', () => {
  it.each<[object, string[]]>([
    [{ model: 'a' }, []],
    [{}, ['/endpoint']],
    [{ model: 'a', options: { content: 'text' } }, ['/endpoint/options/content']],
    [{ model: 'a', options: { content: 'text', input_name: 'text' } }, []],
    [
      { model: 'a', options: { api: 'kserve-v1', content: 'text', input_name: 'text' } },
      ['/endpoint/options/content'],
    ],
    [{ model: 'a', model_version: '1', options: { api: 'kserve-v1' } }, ['/endpoint/model_version']],
    [{ model: 'a', options: { management_url: 'http://localhost:8081' } }, []],
    [
      { model: 'a', options: { management_url: 'http://elsewhere:8081' } },
      ['/endpoint/options/management_url'],
    ],
    [{ model: 'a', options: { management_url: '/models' } }, ['/endpoint/options/management_url']],
  ])('with %j', (endpoint, pointers) => {
    const faults = faultsOf(torchserveProtocol, { url: 'http://localhost:8080', ...endpoint });
    expect(faults.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
