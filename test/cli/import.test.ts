import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readJson, startApp, type WrittenDefinition } from '../app.ts';
import { chat, modelList, routes } from '../servers/generation.ts';
import { unusedPort } from '../servers/listen.ts';
import { type Behaviour, hang, html, json, startModelServer, text } from '../servers/model-server.ts';
import { startOpenInferenceServer } from '../servers/open-inference.ts';
import { startTensorflowServing } from '../servers/tensorflow-serving.ts';
import { runCommand } from './stand-in-terminal.ts';

interface ImportResult {
  readonly kind: string;
  readonly tried: readonly { readonly route: string; readonly looks_for: string; readonly outcome: string }[];
  readonly skills: readonly {
    readonly file: string;
    readonly definition: WrittenDefinition;
    readonly to_fill_in: readonly { readonly pointer: string; readonly text: string }[];
  }[];
  readonly omissions: readonly { readonly what: string; readonly reason: string }[];
}

/** A folder that goes when the test ends. */
async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'skillgate-import-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

/** Imports into a folder of its own, has `skillgate validate` look at it, and gives what machines are told. */
async function importFrom(source: string, ...args: readonly string[]): Promise<ImportResult> {
  const folder = await emptyFolder();
  const { exitCode, stdout, stderr } = await runCommand(['import', source, '-o', folder, '--json', ...args]);
  expect({ exitCode, stderr }, stdout).toEqual({ exitCode: 0, stderr: '' });
  const validated = await runCommand(['validate', folder]);
  // What Claude would have to guess is a warning; that the file is sound is what counts here.
  expect(validated.exitCode, validated.stderr).toBe(0);
  return JSON.parse(stdout);
}

/** Loads the definitions into the whole gateway, and calls one of them. */
async function call({ skills }: ImportResult, input: unknown, name = skills[0]?.definition.name) {
  const app = await startApp(skills.map(({ definition }) => definition));
  const response = await app.post(input, { path: `/skills/${name}` });
  return { status: response.status, output: await readJson<unknown>(response) };
}

/** A server with routes, until the test ends. */
async function serve(byPath: Readonly<Record<string, Behaviour>>) {
  const server = await startModelServer();
  onTestFinished(() => server.close());
  server.always(routes(byPath));
  return server;
}

describe('a server of the Open Inference Protocol', () => {
  async function startSimple(kind: 'triton' | 'mlserver', described = true) {
    const server = await startOpenInferenceServer(
      {
        name: 'iris',
        inputs: described
          ? [
              { name: 'petal lengths', datatype: 'FP32', shape: [-1, 2] },
              { name: 'id', datatype: 'INT64', shape: [-1] },
              { name: 'image_bytes', datatype: 'BYTES', shape: [-1, 1] },
            ]
          : [],
        outputs: described
          ? [
              { name: 'scores', datatype: 'FP32', shape: [-1, 3] },
              { name: 'id', datatype: 'INT64', shape: [-1] },
            ]
          : [],
        run: (inputs) => [
          { name: 'scores', datatype: 'FP32', shape: [1, 3], data: [0.5, 0.25, 0.25] },
          {
            name: 'id',
            datatype: 'INT64',
            shape: [1],
            data: inputs.find(({ name }) => name === 'id')?.data ?? [7],
          },
        ],
      },
      { kind },
    );
    onTestFinished(() => server.close());
    return server;
  }

  it('is found out, and its model runs with names that Claude takes', async () => {
    const { url } = await startSimple('triton');
    const imported = await importFrom(url);
    expect(imported.kind).toContain('Open Inference');
    expect(imported.tried[0]).toEqual({
      route: 'GET /v2',
      looks_for: imported.kind,
      outcome: '200, and this is it',
    });
    const definition = imported.skills[0]?.definition;
    expect(definition).toMatchObject({
      name: 'iris',
      input_schema: {
        properties: {
          petal_lengths: { type: 'array', minItems: 2, maxItems: 2, items: { type: 'number' } },
          id: { type: ['integer', 'string'] },
          image_bytes: { type: 'array', items: { type: 'string', contentEncoding: 'base64' } },
        },
      },
      endpoint: {
        protocol: 'open-inference',
        url,
        model: 'iris',
        options: {
          inputs: {
            petal_lengths: 'petal lengths',
            image_bytes: { tensor: 'image_bytes', encoding: 'base64' },
          },
        },
      },
    });
    const input = { petal_lengths: [1, 2], id: '9007199254740993', image_bytes: ['AAE='] };
    expect(await call(imported, input)).toEqual({
      status: 200,
      output: { scores: [0.5, 0.25, 0.25], id: '9007199254740993' },
    });
  });

  it('says what to fill in, with the place in the file', async () => {
    const { url } = await startSimple('triton');
    const { skills } = await importFrom(url);
    expect(skills[0]?.to_fill_in.map(({ pointer }) => pointer)).toEqual([
      '/description',
      '/input_schema/properties/id',
      '/endpoint/options/outputs',
    ]);
    expect(skills[0]?.definition.description).toContain('To fill in');
  });

  it('takes a route of the model for its URL', async () => {
    const { url } = await startSimple('triton');
    const { skills } = await importFrom(`${url}/v2/models/iris/infer`);
    expect(skills[0]?.definition.endpoint).toMatchObject({ url, model: 'iris' });
  });

  it('describes a table where MLServer tells nothing, and it runs', async () => {
    const { url } = await startSimple('mlserver', false);
    const imported = await importFrom(url);
    expect(imported.skills[0]?.to_fill_in.map(({ pointer }) => pointer)).toContain(
      '/endpoint/options/inputs/features',
    );
    expect(await call(imported, { features: [1, 2] })).toEqual({
      status: 200,
      output: { scores: [0.5, 0.25, 0.25], id: 7 },
    });
  });

  it('tells of a model that is not ready in which state it is', async () => {
    const server = await startSimple('triton');
    server.setState('UNAVAILABLE', 'out of memory');
    const { exitCode, stderr } = await runCommand(['import', server.url, '-o', await emptyFolder()]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining('The model iris is not ready: UNAVAILABLE: out of memory.'),
    });
  });

  it('asks which of several models, and takes them all where that is said', async () => {
    const tensor = { name: 'x', datatype: 'FP32', shape: [-1, 1] };
    const { url } = await serve({
      '/v2': json({ name: 'triton', version: '2', extensions: [] }),
      '/v2/repository/index': json([
        { name: 'a', state: 'READY' },
        { name: 'b', state: 'READY' },
        { name: 'c' },
      ]),
      '/v2/models/a': json({ name: 'a', inputs: [tensor], outputs: [tensor] }),
      '/v2/models/b': json({ name: 'b', inputs: [tensor], outputs: [{ ...tensor, datatype: 'COMPLEX' }] }),
      '/v2/models/c': json({ error: 'not loaded' }, { status: 400 }),
    });
    const two = await importFrom(url, '--model', 'a', '--model', 'c');
    expect(two.skills.map(({ definition }) => definition.name)).toEqual(['a']);
    expect(two.omissions).toEqual([{ what: 'the model c', reason: 'is not ready (not loaded)' }]);
    const asked = await runCommand(['import', url]);
    expect(asked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('3 models: a, b, c') });
    const misspelt = await runCommand(['import', url, '--model', 'aa']);
    expect(misspelt).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no model aa. Did you mean a?'),
    });
    const unfit = await runCommand(['import', url, '--model', 'b', '--dry-run']);
    expect(unfit).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('no output that JSON can carry'),
    });
  });
});

describe('TensorFlow Serving', () => {
  const dims = (...sizes: readonly number[]) => ({
    dim: sizes.map((size) => ({ size: String(size), name: '' })),
    unknown_rank: false,
  });
  const tensor = (dtype: string, ...sizes: readonly number[]) => ({
    dtype,
    tensor_shape: dims(...sizes),
    name: 'x:0',
  });

  async function startServing() {
    const server = await startTensorflowServing({
      house: {
        signatures: {
          serving_default: {
            method: 'predict',
            inputs: { rooms: 'DT_FLOAT' },
            run: (rows) => ({ price: rows.map(({ rooms }) => [Number(Array(rooms).flat()[0]) * 2]) }),
          },
          with_place: {
            method: 'predict',
            inputs: { rooms: 'DT_FLOAT', place: 'DT_STRING' },
            run: (rows) => ({ price: rows.map(() => [1]), near: rows.map(({ place }) => [place]) }),
          },
        },
        signatureDefs: {
          __saved_model_init_op: { inputs: {}, outputs: {}, method_name: '' },
          serving_default: {
            inputs: { rooms: tensor('DT_FLOAT', -1, 3) },
            outputs: { price: tensor('DT_FLOAT', -1, 1) },
            method_name: 'tensorflow/serving/predict',
          },
          with_place: {
            inputs: { rooms: tensor('DT_FLOAT', -1, 3), place: tensor('DT_STRING', -1) },
            outputs: { price: tensor('DT_FLOAT', -1, 1), near: tensor('DT_STRING', -1, 1) },
            method_name: 'tensorflow/serving/predict',
          },
          odd: {
            inputs: { spectrum: tensor('DT_COMPLEX64', -1) },
            outputs: {},
            method_name: 'tensorflow/serving/predict',
          },
        },
      },
    });
    onTestFinished(() => server.close());
    return server;
  }

  it('is found out by its words, and asks for the model that it does not list', async () => {
    const { url } = await startServing();
    expect(await runCommand(['import', url])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(
        /is TensorFlow Serving, which does not list its models: name one with --model/,
      ),
    });
  });

  it('gives a skill for every signature, and they run', async () => {
    const { url } = await startServing();
    const imported = await importFrom(url, '--model', 'house');
    expect(imported.skills.map(({ definition }) => definition.name)).toEqual(['house', 'house_with_place']);
    expect(imported.omissions).toEqual([
      { what: 'the signature odd', reason: 'has spectrum of type DT_COMPLEX64, which JSON cannot carry' },
    ]);
    expect(await call(imported, { rooms: [4, 1, 1] })).toEqual({ status: 200, output: { price: [8] } });
    const input = { rooms: [4, 1, 1], place: 'Oslo' };
    expect(await call(imported, input, 'house_with_place')).toEqual({
      status: 200,
      output: { price: [1], near: ['Oslo'] },
    });
  });

  it('tells a model that is loading from one that is unknown', async () => {
    const server = await startServing();
    server.setState('house', '1', 'LOADING');
    expect(await runCommand(['import', server.url, '--model', 'house'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('The model house is not ready: version 1 is LOADING.'),
    });
    expect(await runCommand(['import', `${server.url}/v1/models/hose:predict`])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining(
        'does not know the model hose: Could not find any versions of model hose',
      ),
    });
  });
});

describe('a server with OpenAI’s API', () => {
  it('becomes a skill that asks its only model', async () => {
    const { url } = await serve({
      '/v1/models': modelList('org/Tiny-1.5B'),
      '/v1/chat/completions': chat('Hello!'),
    });
    const imported = await importFrom(`${url}/v1`);
    expect(imported.skills[0]?.definition).toMatchObject({
      name: 'tiny-1_5b',
      endpoint: { protocol: 'openai', url, model: 'org/Tiny-1.5B' },
    });
    expect(await call(imported, { text: 'Hi' })).toEqual({ status: 200, output: { text: 'Hello!' } });
  });

  it('has its model chosen by a URL, and what it says cannot drive the terminal', async () => {
    const { url } = await serve({ '/v1/models': modelList('a\u001b[2J', 'b') });
    const { skills } = await importFrom(`${url}/v1/models/b`);
    expect(skills.map(({ definition }) => definition.endpoint.model)).toEqual(['b']);
    const { stderr } = await runCommand(['import', url]);
    expect(stderr).toContain('The server has 2 models: a [2J, b.');
  });

  it('is Ollama where it lists tags, and tells itself what a model is for', async () => {
    const { url } = await serve({
      '/api/tags': json({ models: [{ name: 'plain:latest' }, { name: 'llama3.2:latest' }] }),
      '/api/show': (response, request) =>
        json({
          capabilities: JSON.parse(request.body).model === 'plain:latest' ? ['embedding'] : ['completion'],
        })(response, request),
      '/v1/models': modelList('plain:latest', 'llama3.2:latest'),
      '/v1/embeddings': json({ data: [{ index: 0, embedding: [0.5, 1] }] }),
    });
    const one = await importFrom(url, '--model', 'plain', '--name', 'embed');
    expect(await call(one, { text: 'Hi' })).toEqual({ status: 200, output: { embedding: [0.5, 1] } });
    const all = await importFrom(url, '--all');
    expect(all.kind).toBe('Ollama');
    expect(all.skills.map(({ definition }) => definition.name)).toEqual(['plain_latest', 'llama3_2_latest']);
  });
});

describe('an OpenAPI document', () => {
  const document = {
    openapi: '3.1.0',
    info: { title: 'Moods', version: '1' },
    paths: {
      '/health': { get: { responses: {} } },
      '/predict': {
        post: {
          summary: 'Predict',
          operationId: 'predict_predict_post',
          requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Body' } } } },
          responses: {
            200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Mood' } } } },
          },
        },
      },
      '/many': {
        post: {
          operationId: 'many_many_post',
          requestBody: {
            content: {
              'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/Body' } } },
            },
          },
          responses: { 200: { content: { 'application/json': { schema: {} } } } },
        },
      },
      '/upload': {
        post: { requestBody: { content: { 'multipart/form-data': { schema: {} } } }, responses: {} },
      },
      '/of/{id}': { post: { parameters: [{ name: 'id', in: 'path', required: true }], responses: {} } },
    },
    components: {
      schemas: {
        Body: {
          type: 'object',
          required: ['text'],
          properties: {
            text: { type: 'string', format: 'odd' },
            next: { $ref: '#/components/schemas/Body' },
          },
        },
        Mood: {
          type: 'object',
          properties: { mood: { $ref: '#/components/schemas/Word' } },
          required: ['mood'],
        },
        Word: { enum: ['good', 'bad'] },
      },
    },
  };
  const startService = () =>
    serve({
      '/openapi.json': json(document),
      '/health': json({}),
      '/predict': json({ mood: 'good' }),
      '/many': (response, request) => json(JSON.parse(request.body).length)(response, request),
    });

  it('becomes a skill for every POST with a JSON body, and says why the others do not', async () => {
    const { url } = await startService();
    const imported = await importFrom(url);
    expect(imported.skills.map(({ definition }) => definition.name)).toEqual(['predict', 'many']);
    expect(imported.omissions).toEqual([
      { what: 'POST /upload', reason: 'takes multipart/form-data, not JSON' },
      { what: 'POST /of/{id}', reason: 'needs the path parameter id, and a skill sends a body alone' },
    ]);
    expect(imported.skills[0]?.definition).toMatchObject({
      title: 'Predict',
      input_schema: { type: 'object', properties: { next: { $ref: '#/$defs/Body' } } },
      output_schema: {
        properties: { mood: { $ref: '#/$defs/Word' } },
        $defs: { Word: { enum: ['good', 'bad'] } },
      },
      endpoint: { url: `${url}/predict`, options: { ready_url: '/health' } },
    });
    expect(await call(imported, { text: 'a', next: { text: 'b' } })).toEqual({
      status: 200,
      output: { mood: 'good' },
    });
    expect(await call(imported, { body: [{ text: 'a' }] }, 'many')).toEqual({ status: 200, output: 1 });
  });

  it('gives the one route whose URL was given', async () => {
    const { url } = await startService();
    const { skills } = await importFrom(`${url}/predict`);
    expect(skills.map(({ definition }) => definition.endpoint.url)).toEqual([`${url}/predict`]);
  });

  it('is read from its own URL, and refused where its version is another', async () => {
    const { url } = await serve({ '/api/schema.json': json({ swagger: '2.0', paths: {} }) });
    expect(await runCommand(['import', `${url}/api/schema.json`])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('OpenAPI 2.0; versions 3.0 and 3.1 can be imported'),
    });
  });
});

describe('an ONNX file', () => {
  const file = join(import.meta.dirname, '../adapters/__fixtures__/onnx/logits.onnx');

  it('becomes a skill that names it from where the definition lies', async () => {
    const imported = await importFrom(file);
    expect(imported.skills[0]?.definition.endpoint.url).toMatch(/^file:\.\.\/.*logits\.onnx$/);
    const skillsDir = join(imported.skills[0]?.file ?? '', '..');
    const invoked = await runCommand(['invoke', 'logits', '-i', '{"features": [1, 3, 2]}'], {
      env: { SKILLS_DIR: skillsDir },
    });
    expect(invoked).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^\{"logits":\[.*\],"class":\d\}\n$/),
    });
  });

  it('that is not there, or no model, is said to be so', async () => {
    const folder = await emptyFolder();
    await writeFile(join(folder, 'bad.onnx'), 'no model');
    for (const [name, reason] of [
      ['none.onnx', 'The model file none.onnx does not exist.'],
      ['bad.onnx', 'bad.onnx'],
    ] as const) {
      expect(await runCommand(['import', join(folder, name)])).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(reason),
      });
    }
  });
});

describe('what is written', () => {
  const startTiny = () => serve({ '/v1/models': modelList('tiny') });

  it('shows a person the file, what to fill in and how to try it', async () => {
    const { url } = await startTiny();
    const folder = await emptyFolder();
    const { exitCode, stdout } = await runCommand(['import', url, '-o', folder]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`tiny   ${join(folder, 'tiny.json')}\n`);
    expect(stdout).toContain('To fill in:\n  /description\n      Say what the model does');
    expect(stdout).toContain(`Try it: skillgate invoke tiny --input '{"text":"text"}'`);
  });

  it('never replaces a file unasked', async () => {
    const { url } = await startTiny();
    const folder = await emptyFolder();
    await writeFile(join(folder, 'tiny.json'), '{"mine": true}');
    const refused = await runCommand(['import', url, '-o', folder]);
    expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--force replaces it') });
    expect(await readFile(join(folder, 'tiny.json'), 'utf8')).toBe('{"mine": true}');
    expect(await runCommand(['import', url, '-o', folder, '--force'])).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(await readFile(join(folder, 'tiny.json'), 'utf8')).name).toBe('tiny');
  });

  it('never gives two files a skill of one name', async () => {
    const { url } = await startTiny();
    const folder = await emptyFolder();
    await runCommand(['import', url, '-o', folder]);
    await writeFile(join(folder, 'other.json'), await readFile(join(folder, 'tiny.json'), 'utf8'));
    await rm(join(folder, 'tiny.json'));
    expect(await runCommand(['import', url, '-o', folder, '--force'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has a skill tiny already'),
    });
    expect(await readdir(folder)).toEqual(['other.json']);
  });

  it('is shown and not written in a dry run: the definition alone on standard output', async () => {
    const { url } = await startTiny();
    const folder = await emptyFolder();
    const { exitCode, stdout, stderr } = await runCommand(['import', url, '-o', folder, '--dry-run']);
    expect({ exitCode, name: JSON.parse(stdout).name }).toEqual({ exitCode: 0, name: 'tiny' });
    expect(stderr).toContain('(not written)');
    expect(await readdir(folder)).toEqual([]);
  });

  it('has the name that was given, where it is one that a skill can have', async () => {
    const { url } = await startTiny();
    const { skills } = await importFrom(url, '--name', 'ask');
    expect(skills[0]?.definition.name).toBe('ask');
    expect(await runCommand(['import', url, '--name', 'Ask Me', '--dry-run'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('/name'),
    });
  });

  it('presents the token of a variable, and names the variable in the file', async () => {
    const list = modelList('tiny');
    const { url } = await serve({
      '/v1/models': (response, request) =>
        (request.headers.authorization === 'Bearer s3cret' ? list : json({ error: 'who?' }, { status: 401 }))(
          response,
          request,
        ),
    });
    const without = await runCommand(['import', url]);
    expect(without).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('--token-env NAME') });
    const args = ['import', url, '--token-env', 'MODEL_TOKEN', '--dry-run'];
    expect(await runCommand(args)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('MODEL_TOKEN'),
    });
    const { stdout, stderr } = await runCommand(args, { env: { MODEL_TOKEN: 's3cret' } });
    expect(JSON.parse(stdout).auth).toEqual({ type: 'bearer', token_env: 'MODEL_TOKEN' });
    expect(stdout + stderr).not.toContain('s3cret');
  });
});

describe('a URL at which there is nothing to import', () => {
  it('is told with every route that was tried', async () => {
    const server = await startModelServer();
    onTestFinished(() => server.close());
    server.always(html(404, 'Not here'));
    const { exitCode, stderr } = await runCommand(['import', server.url]);
    expect(exitCode).toBe(1);
    for (const route of ['/v2', '/v1/models', '/api/tags', '/openapi.json']) {
      expect(stderr).toMatch(new RegExp(`GET ${route} +404 `));
    }
  });

  it('is asked for no route twice, and in a way that runs no model', async () => {
    const server = await startModelServer();
    onTestFinished(() => server.close());
    server.always(html(404, 'Not here'));
    await runCommand(['import', server.url]);
    expect(server.requests.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'GET /api/tags',
      'GET /openapi.json',
      'GET /v1/models',
      'GET /v2',
    ]);
  });

  it('is told to refuse connections, where it does', async () => {
    const { exitCode, stderr } = await runCommand(['import', `127.0.0.1:${await unusedPort()}`]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(
      /Nothing can be read from .*refuses connections \(ECONNREFUSED\)\.\nIs the server up/,
    );
  });

  it('is not asked where it is one of the cloud’s metadata', async () => {
    const { exitCode, stderr } = await runCommand(['import', 'http://169.254.169.254/']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Nothing can be read from http:\/\/169\.254\.169\.254\//);
    expect(stderr).toMatch(/metadata/i);
  });

  it.each([
    ['grpc://localhost:8500', 'give the REST port'],
    ['ftp://localhost/', 'has to begin with http'],
    ['http://me:secret@localhost/', 'must not hold a user'],
    ['./model.gguf', 'of files, those that end in .onnx'],
    ['not a url', 'neither a URL nor a file'],
  ])('is wrong usage: %s', async (source, message) => {
    const { exitCode, stderr } = await runCommand(['import', source]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(message) });
  });

  it('is refused where its answer is one that nothing should walk', async () => {
    const { url } = await serve({
      '/openapi.json': text('{"openapi": "3.1.0", "paths": {"__proto__": {}}}'),
    });
    expect(await runCommand(['import', url])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('must not have a property named __proto__ (at /paths)'),
    });
  });

  it('tells a machine the same', async () => {
    const server = await serve({ '/v1/models': hang() });
    await server.close();
    const { exitCode, stdout } = await runCommand(['import', server.url, '--json']);
    expect({ exitCode, told: JSON.parse(stdout) }).toEqual({
      exitCode: 1,
      told: { source: server.url, error: expect.stringContaining('ECONNREFUSED') },
    });
  });
});
