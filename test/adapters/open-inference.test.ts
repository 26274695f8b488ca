import { describe, expect, it, onTestFinished, test } from 'vitest';
import { openInferenceProtocol } from '../../src/adapters/open-inference.ts';
import type { Adapter } from '../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';
import { createAttempt } from '../attempt.ts';
import { text } from '../servers/model-server.ts';
import {
  type OpenInferenceServer,
  type StandInModel,
  type StandInTensor,
  startOpenInferenceServer,
} from '../servers/open-inference.ts';
import fixtures from './__fixtures__/open-inference.json' with { type: 'json' };
import { type AdapterOptions, createAdapter, faultsOf } from './adapter-under-test.ts';

type Description = StandInModel['inputs'][number];

const x: Description = { name: 'x', datatype: 'FP32', shape: [-1, 3] };

/** A model that gives its first input back as `y`, and counts what came. */
function echo(
  input: Description,
  output: Partial<Description> = {},
): StandInModel & { got: StandInTensor[] } {
  const got: StandInTensor[] = [];
  return {
    got,
    name: 'double',
    inputs: [input],
    outputs: [{ ...input, name: 'y', ...output }],
    run(inputs) {
      got.push(...inputs);
      return inputs.slice(0, 1).map((tensor) => ({ ...tensor, name: 'y', ...output, shape: tensor.shape }));
    },
  };
}

interface Setup {
  readonly server: OpenInferenceServer;
  readonly adapter: Adapter;
  infer(input: JsonValue): Promise<JsonValue>;
}

async function setUp(
  model: StandInModel,
  options: JsonObject = {},
  more: AdapterOptions & { readonly kind?: 'triton' | 'mlserver'; readonly version?: string } = {},
): Promise<Setup> {
  const { kind = 'triton', version, ...rest } = more;
  const server = await startOpenInferenceServer(model, { kind });
  const adapter = createAdapter(
    openInferenceProtocol,
    {
      url: server.url,
      model: 'double',
      ...(version !== undefined && { model_version: version }),
      options: { inputs: {}, binary: 'auto', ...options },
    },
    rest,
  );
  onTestFinished(async () => {
    await adapter.close();
    await server.close();
  });
  return { server, adapter, infer: (input) => adapter.infer(createAttempt(input)) };
}

/** The inference requests, in their order. */
function calls(server: OpenInferenceServer) {
  return server.requests.filter(({ path }) => path.endsWith('/infer'));
}

describe('tensors', () => {
  it('are made of named properties by the metadata of the model, and taken apart again', async () => {
    const model: StandInModel = {
      name: 'double',
      inputs: [
        x,
        { name: 'flag', datatype: 'BOOL', shape: [-1, 1] },
        { name: 'word', datatype: 'BYTES', shape: [-1, 1] },
      ],
      outputs: [
        { name: 'sum', datatype: 'FP64', shape: [-1] },
        { name: 'word', datatype: 'BYTES', shape: [-1, 1] },
      ],
      run: ([numbers, flag, word]) => [
        {
          name: 'sum',
          datatype: 'FP64',
          shape: [1],
          data: [
            (numbers?.data ?? []).reduce<number>(
              (sum, value) => sum + Number(value),
              flag?.data[0] ? 100 : 0,
            ),
          ],
        },
        { name: 'word', datatype: 'BYTES', shape: [1, 1], data: word?.data ?? [] },
      ],
    };
    const { infer, server } = await setUp(model);
    await expect(infer({ x: [1, 2, 3], flag: [true], word: ['né'] })).resolves.toEqual({
      sum: 106,
      word: ['né'],
    });
    expect(JSON.parse(calls(server)[0]?.body ?? '')).toEqual({
      id: 'request-1',
      inputs: [
        { name: 'x', shape: [1, 3], datatype: 'FP32', data: [1, 2, 3] },
        { name: 'flag', shape: [1, 1], datatype: 'BOOL', data: [true] },
        { name: 'word', shape: [1, 1], datatype: 'BYTES', data: ['né'] },
      ],
      outputs: [{ name: 'sum' }, { name: 'word' }],
    });
    expect(calls(server)[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'x-request-id': 'request-1',
    });
  });

  it('keep a batch that is given, and take one that was added off again', async () => {
    const { infer } = await setUp(echo(x));
    await expect(
      infer({
        x: [
          [1, 2, 3],
          [4, 5, 6],
        ],
      }),
    ).resolves.toEqual({
      y: [
        [1, 2, 3],
        [4, 5, 6],
      ],
    });
    await expect(infer({ x: [1, 2, 3] })).resolves.toEqual({ y: [1, 2, 3] });
  });

  it('may be flat in the input, and nested in the answer', async () => {
    const { infer, server } = await setUp(echo({ name: 'x', datatype: 'INT32', shape: [2, 2] }));
    await expect(infer({ x: [1, 2, 3, 4] })).resolves.toEqual({
      y: [
        [1, 2],
        [3, 4],
      ],
    });
    const nested = {
      name: 'y',
      datatype: 'INT32',
      shape: [2, 2],
      data: [
        [5, 6],
        [7, 8],
      ],
    };
    server.nextInference(text(JSON.stringify({ outputs: [nested] })));
    await expect(
      infer({
        x: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).resolves.toEqual({
      y: [
        [5, 6],
        [7, 8],
      ],
    });
  });

  it('have the names, datatypes and shapes that the options give', async () => {
    const model = echo({ name: 'INPUT__0', datatype: 'FP32', shape: [-1, 3] });
    const { infer, server } = await setUp(model, {
      inputs: { features: { tensor: 'INPUT__0', datatype: 'FP64', shape: [-1, 2] } },
      outputs: { best: { tensor: 'y', take: 'argmax', labels: ['cat', 'dog'] }, raw: 'y' },
    });
    await expect(infer({ features: [0.1, 0.9] })).resolves.toEqual({ best: 'dog', raw: [0.1, 0.9] });
    expect(model.got[0]).toMatchObject({ name: 'INPUT__0', datatype: 'FP64', shape: [1, 2] });
    expect(JSON.parse(calls(server)[0]?.body ?? '').outputs).toEqual([{ name: 'y' }]);
  });

  it('come from the options alone where the server describes none', async () => {
    const model = { ...echo(x), inputs: [], outputs: [] };
    const { infer, server } = await setUp(
      model,
      { inputs: { x: { datatype: 'FP32', shape: [-1, 2] } } },
      { kind: 'mlserver' },
    );
    await expect(infer({ x: [1, 2] })).resolves.toEqual({ y: [1, 2] });
    expect(JSON.parse(calls(server)[0]?.body ?? '').outputs).toBeUndefined();
  });

  it('that nobody describes are a fault of the definition, told by the probe as well', async () => {
    const { infer, adapter } = await setUp({ ...echo(x), inputs: [] });
    await expect(infer({ x: [1, 2] })).rejects.toMatchObject({ code: 'model_not_ready', retryable: false });
    await expect(adapter.probe(new AbortController().signal)).resolves.toMatchObject({
      state: 'not_ready',
      reason: expect.stringContaining('options.inputs'),
    });
  });

  it('of int64 are exact beyond 2^53, both ways, as JSON and as bytes', async () => {
    for (const binary of ['never', 'always']) {
      const model = echo({ name: 'x', datatype: 'INT64', shape: [-1] });
      const { infer } = await setUp(model, { binary });
      const wide = ['9007199254740993', '-9223372036854775808', 7];
      await expect(infer({ x: wide })).resolves.toEqual({ y: wide });
    }
  });

  it.each(['NaN', '-Infinity', 'null'])('of %s in the JSON are invalid_output', async (word) => {
    const { infer, server } = await setUp(echo(x), { binary: 'never' });
    server.nextInference(
      text(`{"outputs":[{"name":"y","datatype":"FP32","shape":[1,3],"data":[1,${word},1]}]}`),
    );
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject({
      code: 'invalid_output',
      message: expect.stringContaining(`${word} in "y" at 1`),
    });
  });

  it('of NaN among bytes are given on for the output schema to refuse', async () => {
    const { infer } = await setUp(
      { ...echo(x), run: () => [{ ...x, name: 'y', shape: [1, 3], data: [1, Number.NaN, 3] }] },
      { binary: 'always' },
    );
    await expect(infer({ x: [1, 2, 3] })).resolves.toEqual({ y: [1, Number.NaN, 3] });
  });

  it('of the version that the definition names', async () => {
    const { infer, server } = await setUp(echo(x), {}, { version: '1' });
    await infer({ x: [1, 2, 3] });
    expect(calls(server)[0]?.path).toBe('/v2/models/double/versions/1/infer');
  });
});

describe('bytes', () => {
  it('are base64 in the skill, and any bytes on the wire', async () => {
    const model = echo({ name: 'x', datatype: 'BYTES', shape: [-1] });
    const { infer } = await setUp(model, {
      inputs: { x: { encoding: 'base64' } },
      outputs: { y: { tensor: 'y', encoding: 'base64' } },
    });
    const bytes = Buffer.from([0, 255, 128, 10]);
    await expect(infer({ x: bytes.toString('base64') })).resolves.toEqual({ y: bytes.toString('base64') });
    expect(model.got[0]?.data).toEqual([bytes]);
    await expect(infer({ x: 'not base64!' })).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ pointer: '/x', message: 'must be base64' }],
    });
  });

  it('are base64 in the JSON too where the server takes no bytes, as MLServer marks them', async () => {
    const model = echo({ name: 'x', datatype: 'BYTES', shape: [-1] });
    const { infer, server } = await setUp(
      model,
      { inputs: { x: { encoding: 'base64' } } },
      { kind: 'mlserver' },
    );
    await infer({ x: 'AP8=' });
    expect(JSON.parse(calls(server)[0]?.body ?? '').inputs).toEqual([
      { name: 'x', shape: [1], datatype: 'BYTES', parameters: { content_type: 'base64' }, data: ['AP8='] },
    ]);
  });

  it('that are no text where text is due are invalid_output', async () => {
    const { infer, server } = await setUp(echo({ name: 'x', datatype: 'BYTES', shape: [-1] }));
    const head = JSON.stringify({
      outputs: [{ name: 'y', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 5 } }],
    });
    server.nextInference((response) => {
      response.writeHead(200, { 'inference-header-content-length': String(head.length) });
      response.end(Buffer.concat([Buffer.from(head), Buffer.from([1, 0, 0, 0, 0xff])]));
    });
    await expect(infer({ x: 'a' })).rejects.toMatchObject({ code: 'invalid_output' });
  });

  it('are how large tensors travel, where the server says that it can', async () => {
    const numbers = Array.from({ length: 600 }, (_, index) => index / 8);
    const model = echo({ name: 'x', datatype: 'FP32', shape: [-1, 600] });
    const { infer, server } = await setUp(model);
    await expect(infer({ x: numbers })).resolves.toEqual({ y: numbers });
    const [call] = calls(server);
    expect(call?.headers['content-type']).toBe('application/octet-stream');
    expect(call?.bytes.length).toBe(Number(call?.headers['inference-header-content-length']) + 2400);
    expect(call?.body).toContain('"outputs":[{"name":"y","parameters":{"binary_data":true}}]');

    const other = await setUp(model, {}, { kind: 'mlserver' });
    await expect(other.infer({ x: numbers })).resolves.toEqual({ y: numbers });
    expect(calls(other.server)[0]?.headers['content-type']).toBe('application/json');
  });

  it.each([
    ['FP16', [0.5, -65504], [0x3800, 0xfbff]],
    ['BF16', [1, -2.5], [0x3f80, 0xc020]],
  ])('are how %s travels, whatever its size', async (datatype, numbers, bits) => {
    const model = echo({ name: 'x', datatype, shape: [-1, 2] });
    const { infer } = await setUp(model);
    await expect(infer({ x: numbers })).resolves.toEqual({ y: numbers });
    expect(model.got[0]?.data).toEqual(bits);
  });

  it.each([
    [{ binary_data_size: 12 }, 11],
    [{ binary_data_size: 11 }, 11],
    [{ binary_data_size: -4 }, 12],
  ])('that are not as many as %j says, in %i, are upstream_error', async (parameters, length) => {
    const { infer, server } = await setUp(echo(x));
    const head = JSON.stringify({ outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 3], parameters }] });
    server.nextInference((response) => {
      response.writeHead(200, { 'inference-header-content-length': String(head.length) });
      response.end(Buffer.concat([Buffer.from(head), Buffer.alloc(length)]));
    });
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject({ code: 'upstream_error' });
  });
});

describe('a batch', () => {
  const batchOf = (...input: JsonValue[]) => ({ ...createAttempt(null), input });

  it('goes as one, and each row gets its own output; a bad row fails alone', async () => {
    const model = echo(x);
    const { adapter, server } = await setUp(model);
    const results = await adapter.inferBatch?.(batchOf({ x: [1, 2, 3] }, { x: [1] }, { x: [4, 5, 6] }));
    expect(results).toEqual([
      { y: [1, 2, 3] },
      expect.objectContaining({ code: 'invalid_input' }),
      { y: [4, 5, 6] },
    ]);
    expect(server.inferences).toBe(1);
    expect(model.got).toMatchObject([{ shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }]);
  });

  it.each(['never', 'always'])('of texts goes as one (bytes %s)', async (binary) => {
    const { adapter, server } = await setUp(echo({ name: 'x', datatype: 'BYTES', shape: [-1, 1] }), {
      binary,
    });
    const results = await adapter.inferBatch?.(batchOf({ x: ['a'] }, { x: ['né'] }));
    expect(results).toEqual([{ y: ['a'] }, { y: ['né'] }]);
    expect(server.inferences).toBe(1);
  });

  it('goes apart where shapes differ, where a row has a batch of its own, and where the model takes none', async () => {
    const words = { name: 'x', datatype: 'INT32', shape: [-1, -1] };
    const some = await setUp(echo(words));
    await expect(
      some.adapter.inferBatch?.(batchOf({ x: [1] }, { x: [1, 2] }, { x: [3] }, { x: [[4], [5]] })),
    ).resolves.toEqual([{ y: [1] }, { y: [1, 2] }, { y: [3] }, { y: [[4], [5]] }]);
    expect(some.server.inferences).toBe(3);

    const none = await setUp(echo({ name: 'x', datatype: 'INT32', shape: [1, 1] }));
    await expect(none.adapter.inferBatch?.(batchOf({ x: [1] }, { x: [2] }))).resolves.toEqual([
      { y: [1] },
      { y: [2] },
    ]);
    expect(none.server.inferences).toBe(2);
  });

  it('for which the model gives fewer rows is upstream_error', async () => {
    const model = { ...echo(x), run: () => [{ ...x, name: 'y', shape: [1, 3], data: [1, 2, 3] }] };
    const { adapter } = await setUp(model);
    await expect(adapter.inferBatch?.(batchOf({ x: [1, 2, 3] }, { x: [1, 2, 3] }))).rejects.toMatchObject({
      code: 'upstream_error',
    });
  });
});

describe('an input that no tensor can be made of is invalid_input, and is not sent:', () => {
  test.each<[string, Description, JsonValue, string, string]>([
    ['a wrong shape', x, { x: [1, 2] }, '/x', 'has the shape [2], where the model takes [?, 3]'],
    [
      'a ragged array',
      x,
      {
        x: [
          [1, 2, 3],
          [4, 5],
        ],
      },
      '/x/1',
      'must be an array of 3, as its first neighbour is',
    ],
    ['a string', x, { x: [1, '2', 3] }, '/x/1', 'must be a float32 number'],
    ['float32 overflow', x, { x: [1, 2, 1e39] }, '/x/2', 'must be a float32 number'],
    [
      'int8 overflow',
      { name: 'x', datatype: 'INT8', shape: [-1] },
      { x: [127, 128] },
      '/x/1',
      'must be an integer from -128 to 127',
    ],
    [
      'a rounded int64',
      { name: 'x', datatype: 'INT64', shape: [-1] },
      { x: [9007199254740992] },
      '/x/0',
      expect.stringContaining('beyond 2^53 a decimal string'),
    ],
    ['a missing input', x, {}, '', 'must have the property "x", which the model takes'],
    ['an input too many', x, { x: [1, 2, 3], z: 1 }, '/z', 'is no input of the model, which takes x'],
    ['no object', x, [1], '', 'must be an object of model inputs'],
  ])('%s', async (_what, input, value, pointer, message) => {
    const { infer, server } = await setUp(echo(input));
    await expect(infer(value)).rejects.toMatchObject({
      code: 'invalid_input',
      faults: [{ pointer, message }],
      mayHaveRun: false,
    });
    expect(calls(server)).toHaveLength(0);
  });
});

describe('an answer, as documented by those who write it:', () => {
  test.each(fixtures)('$name', async ({ status, body, expected }) => {
    const { infer, server } = await setUp(echo(x));
    server.nextInference(text(body, { status }));
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject(expected);
  });

  test('a model that the server does not know is upstream_error', async () => {
    const { adapter } = await setUp({ ...echo(x), name: 'other' });
    await expect(adapter.infer(createAttempt({ x: [1, 2, 3] }))).rejects.toMatchObject({
      code: 'upstream_error',
      upstreamStatus: 404,
      mayHaveRun: false,
    });
    await expect(adapter.probe(new AbortController().signal)).resolves.toMatchObject({ state: 'not_ready' });
  });

  test('the mapping gets properties, and gives tensors', async () => {
    const mapping = {
      request: async (input: JsonValue) => ({ x: [input, 2, 3] }) as JsonValue,
      response: async (body: JsonValue, input: JsonValue) => [body, input],
    };
    const { infer } = await setUp(echo(x), {}, { mapping });
    await expect(infer(1)).resolves.toEqual([{ y: [1, 2, 3] }, 1]);
  });
});

describe('the metadata of the model', () => {
  const describes = (server: OpenInferenceServer) =>
    server.requests.filter(({ method, path }) => method === 'GET' && path === '/v2/models/double').length;

  it('is asked for once, also by calls that come together, and by the probe before the first call', async () => {
    const { infer, adapter, server } = await setUp(echo(x));
    await adapter.probe(new AbortController().signal);
    await Promise.all([infer({ x: [1, 2, 3] }), infer({ x: [1, 2, 3] })]);
    expect(describes(server)).toBe(1);
  });

  it('is asked for again after the server refused an inference', async () => {
    const { infer, server } = await setUp(echo(x));
    server.nextInference(text('{"error":"unexpected shape"}', { status: 400 }));
    await expect(infer({ x: [1, 2, 3] })).rejects.toMatchObject({ code: 'upstream_error' });
    await infer({ x: [1, 2, 3] });
    expect(describes(server)).toBe(2);
  });

  it('does not fail the others when the caller who asked first leaves', async () => {
    const { adapter, server } = await setUp(echo(x));
    const leaving = new AbortController();
    const reason = new Error('left');
    const first = adapter.infer(createAttempt({ x: [1, 2, 3] }, leaving.signal));
    const second = adapter.infer(createAttempt({ x: [1, 2, 3] }));
    leaving.abort(reason);
    await expect(first).rejects.toBe(reason);
    await expect(second).resolves.toEqual({ y: [1, 2, 3] });
    expect(describes(server)).toBe(1);
  });
});

describe('the probe', () => {
  const probe = (adapter: Adapter) => adapter.probe(new AbortController().signal);

  it('tells what the repository index says, with its reason', async () => {
    const { adapter, server } = await setUp(echo(x));
    server.setState('UNAVAILABLE', 'out of memory');
    await expect(probe(adapter)).resolves.toEqual({
      state: 'not_ready',
      reason: 'The model double is unavailable: out of memory',
    });
    server.setState('LOADING');
    await expect(probe(adapter)).resolves.toMatchObject({ state: 'loading' });
    server.setState('READY');
    await expect(probe(adapter)).resolves.toMatchObject({ state: 'ready' });
  });

  it('is not taken in by a server that says ready of a model that was unloaded', async () => {
    const { adapter, server } = await setUp(echo(x));
    server.setState('UNAVAILABLE');
    server.next(text('', { status: 200 }));
    await expect(probe(adapter)).resolves.toMatchObject({ state: 'not_ready' });
  });

  it('has the server load the model', async () => {
    const { adapter, server, infer } = await setUp(echo(x));
    server.setState('UNAVAILABLE');
    await adapter.load?.(new AbortController().signal);
    await expect(infer({ x: [1, 2, 3] })).resolves.toEqual({ y: [1, 2, 3] });
  });

  it('tells why a model cannot be loaded', async () => {
    const { adapter, server } = await setUp(echo(x));
    server.next(text('{"error":"load failed: no such file"}', { status: 400 }));
    await expect(adapter.load?.(new AbortController().signal)).rejects.toMatchObject({
      code: 'model_not_ready',
      message: 'The model server answered 400: load failed: no such file',
    });
  });
});

describe('a definition', () => {
  it.each<[object, string[]]>([
    [{ url: 'http://localhost:8000', model: 'a' }, []],
    [{ url: 'http://localhost:8000/v2', model: 'a', model_version: '1' }, []],
    [{ url: 'http://localhost:8000' }, ['/endpoint']],
    [{ url: 'ftp://localhost', model: 'a' }, ['/endpoint/url']],
    [{ url: 'http://localhost:8000/v2/models/a/infer', model: 'a' }, ['/endpoint/url']],
    [{ url: 'http://localhost:8000', model: 'a', model_version: '1/infer' }, ['/endpoint/model_version']],
    [
      {
        url: 'http://a',
        model: 'a',
        options: { outputs: { y: { tensor: 'y', take: 'max', labels: ['a'] } } },
      },
      ['/endpoint/options/outputs/y/labels'],
    ],
  ])('with %j', (endpoint, pointers) => {
    expect(faultsOf(openInferenceProtocol, endpoint).map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
