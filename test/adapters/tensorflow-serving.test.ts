import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { tensorflowServingProtocol } from '../../src/adapters/tensorflow-serving.ts';
import type { Adapter } from '../../src/contracts/adapter.ts';
import { createAttempt } from '../attempt.ts';
import { json, startModelServer } from '../servers/model-server.ts';
import {
  type StandInModel,
  startTensorflowServing,
  type TensorflowServing,
} from '../servers/tensorflow-serving.ts';
import {
  type AdapterOptions,
  createAdapter,
  type EndpointOverrides,
  faultsOf,
} from './adapter-under-test.ts';

type Row = Readonly<Record<string, unknown>>;

/** Adds a half of x and three, as the model of that name in TensorFlow Serving's documentation. */
const halfPlusThree: StandInModel = {
  signatures: {
    serving_default: {
      method: 'predict',
      inputs: { x: 'DT_FLOAT' },
      run: (rows: readonly Row[]) => ({ y: rows.map(({ x }) => Number(x) / 2 + 3) }),
    },
    'tensorflow/serving/regress': {
      method: 'regress',
      run: (rows: readonly Row[]) => rows.map(({ x }) => Number(x) / 2 + 3),
    },
  },
  versions: { 122: 'AVAILABLE', 123: 'AVAILABLE' },
  labels: { stable: '122' },
};

const language: StandInModel = {
  signatures: {
    serving_default: {
      method: 'predict',
      inputs: { text: 'DT_STRING' },
      run: (rows: readonly Row[]) => ({
        scores: rows.map(({ text }) => (text === 'Hello' ? [0.875, 0.125] : [0.25, 0.75])),
      }),
    },
    classify: {
      method: 'classify',
      run: (rows: readonly Row[]) => rows.map(() => [['en', 0.25] as const, ['fr', 0.75] as const]),
    },
    broken: {
      method: 'predict',
      inputs: { text: 'DT_STRING' },
      run: (rows: readonly Row[]) => ({ scores: rows.map(() => [Number.NaN, Number.POSITIVE_INFINITY]) }),
    },
    numbers: {
      method: 'predict',
      inputs: { text: 'DT_STRING' },
      run: (rows: readonly Row[]) => ({
        id: rows.map(() => 9_007_199_254_740_993n),
        count: rows.map(() => 3n),
      }),
    },
  },
};

const thumbnails: StandInModel = {
  signatures: {
    serving_default: {
      method: 'predict',
      inputs: { image: 'DT_STRING', caption: 'DT_STRING' },
      run: (rows: readonly Row[]) => ({
        thumbnail_bytes: rows.map(({ image }) => (Buffer.isBuffer(image) ? image.subarray(0, 3) : image)),
        caption: rows.map(({ caption }) => caption),
      }),
    },
  },
};

let serving: TensorflowServing;
let adapters: Adapter[];

beforeEach(async () => {
  serving = await startTensorflowServing({ half_plus_three: halfPlusThree, language, thumbnails });
  adapters = [];
});

afterEach(async () => {
  await Promise.all(adapters.map((adapter) => adapter.close()));
  await serving.close();
});

function create(endpoint: EndpointOverrides, options?: AdapterOptions): Adapter {
  const adapter = createAdapter(tensorflowServingProtocol, { url: serving.url, ...endpoint }, options);
  adapters.push(adapter);
  return adapter;
}

const { signal } = new AbortController();

describe('predict', () => {
  test('{text} becomes {prediction, confidence} with two options', async () => {
    const adapter = create({ model: 'language', options: { input_name: 'text', labels: ['en', 'fr'] } });
    await expect(adapter.infer(createAttempt({ text: 'Bonjour' }))).resolves.toEqual({
      prediction: 'fr',
      confidence: 0.75,
    });
    await expect(adapter.infer(createAttempt({ text: 'Hello' }))).resolves.toEqual({
      prediction: 'en',
      confidence: 0.875,
    });
    expect(serving.requests[0]).toEqual({
      method: 'POST',
      path: '/v1/models/language:predict',
      body: '{"instances":["Bonjour"]}',
    });
  });

  test('inputs by name need no option', async () => {
    const adapter = create({ model: 'half_plus_three' });
    await expect(adapter.infer(createAttempt({ x: 5 }))).resolves.toEqual({ prediction: 5.5 });
  });

  test('columns go and come with their batch dimension', async () => {
    const adapter = create({ model: 'half_plus_three', options: { format: 'columnar', output_name: 'y' } });
    await expect(adapter.infer(createAttempt({ x: [1, 2, 5] }))).resolves.toEqual({ y: [3.5, 4, 5.5] });
  });

  test.each([
    [{ model_version: '122' }, '/v1/models/half_plus_three/versions/122:predict'],
    [{ options: { version_label: 'stable' } }, '/v1/models/half_plus_three/labels/stable:predict'],
  ])('goes to the version of %j', async (endpoint, path) => {
    const adapter = create({ model: 'half_plus_three', ...endpoint });
    await expect(adapter.infer(createAttempt({ x: 1 }))).resolves.toEqual({ prediction: 3.5 });
    expect(serving.requests).toMatchObject([{ path }]);
  });

  test('keeps the path in front of the server, and no slash too many', async () => {
    const front = await startModelServer();
    try {
      front.always(json({ predictions: [1] }));
      await create({ url: `${front.url}/tf/`, model: 'a b?' }).infer(createAttempt({ x: 1 }));
      expect(front.requests).toMatchObject([
        {
          path: '/tf/v1/models/a%20b%3F:predict',
          headers: {
            'content-type': 'application/json',
            'x-request-id': 'request-1',
            traceparent: expect.stringMatching(/^00-/),
          },
        },
      ]);
    } finally {
      await front.close();
    }
  });

  test('bytes arrive as bytes, from any base64, and bytes come back as base64', async () => {
    const adapter = create({ model: 'thumbnails', options: { bytes: ['image'] } });
    const image = Buffer.from([0xfb, 0xff, 0xfe, 1, 2]);
    for (const text of [image.toString('base64'), image.toString('base64url')]) {
      await expect(adapter.infer(createAttempt({ image: text, caption: 'seaside' }))).resolves.toEqual({
        thumbnail_bytes: image.subarray(0, 3).toString('base64'),
        caption: 'seaside',
      });
    }
  });

  test('without `bytes` URL-safe base64 is what the server refuses', async () => {
    const adapter = create({ model: 'thumbnails' });
    const input = { image: { b64: '-_8' }, caption: 'seaside' };
    await expect(adapter.infer(createAttempt(input))).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model server answered 400: Unable to base64 decode',
    });
  });

  test('NaN among scores is invalid_output', async () => {
    const options = { signature_name: 'broken', input_name: 'text' };
    const labelled = create({ model: 'language', options: { ...options, labels: ['en', 'fr'] } });
    await expect(labelled.infer(createAttempt({ text: 'a' }))).rejects.toMatchObject({
      code: 'invalid_output',
    });
    // Without labels it is the output schema's to refuse.
    await expect(create({ model: 'language', options }).infer(createAttempt({ text: 'a' }))).resolves.toEqual(
      {
        prediction: [Number.NaN, Number.POSITIVE_INFINITY],
      },
    );
  });

  test('an int64 beyond 2^53 keeps its digits', async () => {
    const adapter = create({ model: 'language', options: { signature_name: 'numbers', input_name: 'text' } });
    await expect(adapter.infer(createAttempt({ text: 'a' }))).resolves.toEqual({
      id: '9007199254740993',
      count: 3,
    });
  });

  test('mappings get and give whole bodies', async () => {
    const mapping = {
      request: async () => ({ instances: [1, 2] }),
      response: async (body: unknown, input: unknown) => JSON.stringify({ body, input }),
    };
    const adapter = create({ model: 'half_plus_three' }, { mapping });
    await expect(adapter.infer(createAttempt({ any: 'thing' }))).resolves.toBe(
      '{"body":{"predictions":[3.5,4]},"input":{"any":"thing"}}',
    );
  });
});

describe('classify and regress', () => {
  test('classify gives the best class', async () => {
    const adapter = create({
      model: 'language',
      options: { method: 'classify', signature_name: 'classify' },
    });
    await expect(adapter.infer(createAttempt({ text: 'Bonjour' }))).resolves.toEqual({
      prediction: 'fr',
      confidence: 0.75,
    });
    expect(serving.requests).toMatchObject([
      {
        path: '/v1/models/language:classify',
        body: '{"signature_name":"classify","examples":[{"text":"Bonjour"}]}',
      },
    ]);
  });

  test('regress gives the value', async () => {
    const options = { method: 'regress', signature_name: 'tensorflow/serving/regress' };
    const adapter = create({ model: 'half_plus_three', options });
    await expect(adapter.infer(createAttempt({ x: 2 }))).resolves.toEqual({ prediction: 4 });
  });
});

describe('a refusal', () => {
  test("of the input carries the server's own words", async () => {
    const adapter = create({ model: 'half_plus_three' });
    await expect(adapter.infer(createAttempt({ x: 'five' }))).rejects.toMatchObject({
      code: 'upstream_error',
      message:
        'The model server answered 400: JSON Value: "five" Type: String is not of expected type: float',
      retryable: false,
    });
    await expect(adapter.infer(createAttempt({ y: 5 }))).rejects.toThrow('keys must be equal to: x');
    const unsigned = create({ model: 'half_plus_three', options: { signature_name: 'nope' } });
    await expect(unsigned.infer(createAttempt({ x: 5 }))).rejects.toThrow(
      '"nope" not found in signature def',
    );
  });

  test.each([
    ['RESOURCE_EXHAUSTED', { code: 'upstream_error', retryable: true, mayHaveRun: false }],
    ['UNAVAILABLE', { code: 'upstream_error', retryable: true, mayHaveRun: false }],
    ['DEADLINE_EXCEEDED', { code: 'upstream_timeout', retryable: true, mayHaveRun: true }],
    ['INTERNAL', { code: 'upstream_error', retryable: false, mayHaveRun: true }],
    ['UNIMPLEMENTED', { code: 'upstream_error', retryable: false }],
  ] as const)('%s is %j', async (code, expected) => {
    serving.failNext(code, 'why');
    await expect(create({ model: 'half_plus_three' }).infer(createAttempt({ x: 1 }))).rejects.toMatchObject(
      expected,
    );
  });
});

describe('404', () => {
  test('of a model that the server does not know is upstream_error', async () => {
    await expect(create({ model: 'unknown' }).infer(createAttempt({ x: 1 }))).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model server answered 404: Could not find any versions of model unknown',
      retryable: false,
    });
    expect(serving.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /v1/models/unknown:predict',
      'GET /v1/models/unknown',
    ]);
  });

  test.each(['START', 'LOADING'] as const)(
    'of a model in state %s is model_not_ready, with Retry-After',
    async (state) => {
      serving.setState('language', '1', state);
      const adapter = create({ model: 'language', options: { input_name: 'text' } });
      await expect(adapter.infer(createAttempt({ text: 'a' }))).rejects.toMatchObject({
        code: 'model_not_ready',
        message: 'The model is not loaded. Version 1 is loading.',
        retryable: true,
        retryAfterMs: 2000,
        mayHaveRun: false,
        upstreamStatus: 404,
      });
    },
  );

  test('of a model that failed to load says why, and is not tried again at once', async () => {
    serving.setState('language', '1', 'END', {
      code: 'RESOURCE_EXHAUSTED',
      message: 'OOM when allocating tensor',
    });
    await expect(create({ model: 'language' }).infer(createAttempt({ text: 'a' }))).rejects.toMatchObject({
      code: 'model_not_ready',
      message:
        'The model is not loaded. Version 1 failed to load: RESOURCE_EXHAUSTED: OOM when allocating tensor',
      retryable: false,
      retryAfterMs: 10_000,
    });
  });

  test('of a model that was unloaded says so', async () => {
    serving.setState('language', '1', 'END');
    await expect(create({ model: 'language' }).infer(createAttempt({ text: 'a' }))).rejects.toThrow(
      'was unloaded',
    );
  });

  test('of one version is explained by the status of that version', async () => {
    serving.setState('half_plus_three', '122', 'LOADING');
    const adapter = create({ model: 'half_plus_three', model_version: '122' });
    await expect(adapter.infer(createAttempt({ x: 1 }))).rejects.toMatchObject({ code: 'model_not_ready' });
    const missing = create({ model: 'half_plus_three', model_version: '7' });
    await expect(missing.infer(createAttempt({ x: 1 }))).rejects.toThrow('Could not find version 7');
  });

  test('of a model that is available a moment later is tried again', async () => {
    serving.failNext('NOT_FOUND', 'Servable not found for request: Latest(language)');
    await expect(create({ model: 'language' }).infer(createAttempt({ text: 'a' }))).rejects.toMatchObject({
      code: 'upstream_error',
      retryable: true,
      mayHaveRun: false,
    });
  });

  test('that the status route cannot explain stays what it was', async () => {
    const front = await startModelServer();
    try {
      front.next(json({ error: 'Not Found' }, { status: 404 }), json({ error: 'broken' }, { status: 500 }));
      await expect(
        create({ url: front.url, model: 'a' }).infer(createAttempt({ x: 1 })),
      ).rejects.toMatchObject({
        code: 'upstream_error',
        message: 'The model server answered 404: Not Found',
      });
    } finally {
      await front.close();
    }
  });
});

describe('the probe', () => {
  test('says what the status route says, and infers nothing', async () => {
    const adapter = create({ model: 'half_plus_three' });
    await expect(adapter.probe(signal)).resolves.toMatchObject({ state: 'ready' });
    serving.setState('half_plus_three', '122', 'UNLOADING');
    // One available version is enough.
    await expect(adapter.probe(signal)).resolves.toMatchObject({ state: 'ready' });
    serving.setState('half_plus_three', '123', 'LOADING');
    await expect(adapter.probe(signal)).resolves.toEqual({
      state: 'loading',
      reason: 'Version 123 is loading.',
    });
    serving.setState('half_plus_three', '123', 'END', { code: 'NOT_FOUND', message: 'no\nfile' });
    await expect(adapter.probe(signal)).resolves.toEqual({
      state: 'not_ready',
      reason: 'Version 123 failed to load: NOT_FOUND: no file',
    });
    serving.setState('half_plus_three', '123', 'UNLOADING');
    await expect(adapter.probe(signal)).resolves.toEqual({
      state: 'not_ready',
      reason: 'Version 123 is in state UNLOADING.',
    });
    expect(serving.inferences).toBe(0);
  });

  test('of a version or a label looks at that version only', async () => {
    serving.setState('half_plus_three', '122', 'LOADING');
    const version = create({ model: 'half_plus_three', model_version: '122' });
    await expect(version.probe(signal)).resolves.toMatchObject({ state: 'loading' });
    const label = create({ model: 'half_plus_three', options: { version_label: 'stable' } });
    await expect(label.probe(signal)).resolves.toMatchObject({ state: 'loading' });
    const unknown = create({ model: 'half_plus_three', options: { version_label: 'canary' } });
    await expect(unknown.probe(signal)).resolves.toEqual({
      state: 'not_ready',
      reason: 'The model server answered 400: Unrecognized servable version label: canary',
    });
  });

  test.each([
    ['{}', 'not_ready'],
    ['[1]', 'not_ready'],
    ['{"model_version_status": [1, null, {}]}', 'not_ready'],
    ['{"model_version_status": [{"version": 3, "state": "AVAILABLE"}]}', 'ready'],
  ])('of a server that answers %s says %s', async (body, state) => {
    const front = await startModelServer();
    try {
      front.next(json(JSON.parse(body)));
      await expect(create({ url: front.url, model: 'a' }).probe(signal)).resolves.toMatchObject({ state });
    } finally {
      await front.close();
    }
  });
});

describe('a definition', () => {
  const url = 'http://localhost:8501';

  test('that names a server and a model is right', () => {
    expect(faultsOf(tensorflowServingProtocol, { url, model: 'a', model_version: '3' })).toEqual([]);
    expect(
      faultsOf(tensorflowServingProtocol, { url, model: 'a', options: { version_label: 'stable' } }),
    ).toEqual([]);
  });

  test.each<[EndpointOverrides, string]>([
    [{ url }, '/endpoint'],
    [{ url: 'file:model', model: 'a' }, '/endpoint/url'],
    [{ url: `${url}/v1/models/a:predict`, model: 'a' }, '/endpoint/url'],
    [{ url, model: 'a:b' }, '/endpoint/model'],
    [{ url, model: 'a/b' }, '/endpoint/model'],
    [{ url, model: 'a', model_version: 'latest' }, '/endpoint/model_version'],
    [{ url, model: 'a', model_version: '1234567890123456789012' }, '/endpoint/model_version'],
    [
      { url, model: 'a', model_version: '3', options: { version_label: 'b' } },
      '/endpoint/options/version_label',
    ],
    [{ url, model: 'a', options: { input_name: 'txt' } }, '/endpoint/options/input_name'],
    [{ url, model: 'a', options: { bytes: ['image'] } }, '/endpoint/options/bytes'],
    [{ url, model: 'a', headers: { authorization: 'x' } }, '/endpoint/headers/authorization'],
  ])('with %j is at fault at %s', (endpoint, pointer) => {
    const schema = { type: 'object', properties: { text: { type: 'string' } } };
    expect(faultsOf(tensorflowServingProtocol, endpoint, schema)).toEqual([
      { pointer, reason: expect.stringMatching(/./) },
    ]);
  });
});
