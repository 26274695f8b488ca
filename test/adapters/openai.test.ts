import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { openaiProtocol } from '../../src/adapters/openai.ts';
import type { Adapter } from '../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';
import { createAttempt } from '../attempt.ts';
import {
  chat,
  chatChunk,
  completion,
  done,
  events,
  generateForever,
  modelList,
} from '../servers/generation.ts';
import { hangUp, json, type ModelServer, startModelServer, text } from '../servers/model-server.ts';
import fixtures from './__fixtures__/openai.json' with { type: 'json' };
import {
  type AdapterOptions,
  createAdapter,
  createDefinition,
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

const inputSchema = { type: 'object', properties: { text: { type: 'string' }, to: { type: 'string' } } };
const outputSchema = {
  type: 'object',
  properties: { label: { type: 'string', enum: ['fr', 'en'] }, mail: { type: 'string', format: 'email' } },
  required: ['label'],
};

function create(
  options: JsonObject = {},
  more: AdapterOptions & { readonly endpoint?: EndpointOverrides } = {},
): Adapter {
  const { endpoint, ...rest } = more;
  const adapter = createAdapter(
    openaiProtocol,
    { url: server.url, model: 'tiny', options, ...endpoint },
    { inputSchema, outputSchema, ...rest },
  );
  adapters.push(adapter);
  return adapter;
}

const input = { text: 'Bonjour' };

function infer(adapter: Adapter, given: JsonValue = input): Promise<JsonValue> {
  return adapter.infer(createAttempt(given));
}

/** The body of the request that came as number `index`. */
function sent(index = 0): JsonObject {
  return JSON.parse(server.requests[index]?.body ?? 'null');
}

describe('a chat', () => {
  it('asks for a stream, within max_tokens, in the form of the output schema', async () => {
    server.next(chat('{"label": "fr"}'));
    await expect(infer(create())).resolves.toEqual({ label: 'fr' });
    expect(server.requests).toMatchObject([{ method: 'POST', path: '/v1/chat/completions' }]);
    expect(sent()).toEqual({
      model: 'tiny',
      messages: [{ role: 'user', content: 'Bonjour' }],
      stream: true,
      max_tokens: 1024,
      response_format: {
        type: 'json_schema',
        json_schema: {
          name: 'test_skill',
          schema: {
            type: 'object',
            // llama.cpp answers 500 to a format that it cannot make a grammar of.
            properties: { label: { type: 'string', enum: ['fr', 'en'] }, mail: { type: 'string' } },
            required: ['label'],
          },
        },
      },
    });
  });

  it.each(['', '/', '/v1', '/v1/'])('finds the route where the URL ends in %j', async (path) => {
    server.next(chat('{}'));
    await infer(create({}, { endpoint: { url: `${server.url}/gateway${path}` } }));
    expect(server.requests[0]?.path).toBe('/gateway/v1/chat/completions');
  });

  it.each([
    ['structured_outputs', '/v1/chat/completions', { structured_outputs: { json: { type: 'object' } } }],
    ['none', '/v1/chat/completions', {}],
    [
      'format',
      '/api/chat',
      { format: { type: 'object' }, options: { num_predict: 7, top_k: 3 }, keep_alive: '1h' },
    ],
  ])('tells the schema by %s', async (kind, path, told) => {
    server.next(chat('{}'));
    const parameters = kind === 'format' ? { keep_alive: '1h', options: { top_k: 3 } } : {};
    const adapter = create(
      { structured_output: kind, max_tokens: 7, parameters },
      { outputSchema: { type: 'object' } },
    );
    await infer(adapter);
    expect(server.requests[0]?.path).toBe(path);
    expect(sent()).toEqual({
      model: 'tiny',
      messages: [{ role: 'user', content: 'Bonjour' }],
      stream: true,
      ...(kind !== 'format' && { max_tokens: 7 }),
      ...told,
    });
  });

  it('fills templates with the input, which cannot name other properties', async () => {
    server.next(chat('{}'));
    const options = { system: 'Translate to {{ to }}.', prompt: '<{{text}}> {{missing.deep}} {{more.list}}' };
    await infer(create(options), { text: '{{to}} $&', to: 'fr', more: { list: [1, 2] } });
    expect(sent().messages).toEqual([
      { role: 'system', content: 'Translate to fr.' },
      { role: 'user', content: '<{{to}} $&>  [1,2]' },
    ]);
  });

  it('takes the whole conversation from the options, or from the input', async () => {
    server.next(chat('{}'), chat('{}'));
    const messages = [{ role: 'user', content: 'Is {{text}} French?' }];
    await infer(create({ messages }));
    expect(sent().messages).toEqual([{ role: 'user', content: 'Is Bonjour French?' }]);
    const given = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }];
    await infer(create({ system: 'Be short.' }), { messages: given });
    expect(sent(1).messages).toEqual([{ role: 'system', content: 'Be short.' }, ...given]);
  });

  it('asks an input of several properties as JSON', async () => {
    server.next(chat('{}'));
    await infer(create(), { text: 'a', to: 'fr' });
    expect(sent().messages).toEqual([{ role: 'user', content: '{"text":"a","to":"fr"}' }]);
  });

  it.each<[string, JsonValue, JsonObject]>([
    ['a text', 'Say it.', { messages: [{ role: 'user', content: 'Say it.' }] }],
    ['a list', [{ role: 'tool', content: 'x' }], { messages: [{ role: 'tool', content: 'x' }] }],
    ['an object', { messages: [], top_p: 0.5 }, { messages: [], top_p: 0.5 }],
  ])('takes %s from the mapping', async (_what, mapped, expected) => {
    server.next(chat('{}'));
    await infer(create({}, { mapping: { request: async () => mapped } }));
    expect(sent()).toMatchObject({ ...expected, model: 'tiny', stream: true });
  });

  it('adds the parameters, which cannot turn the stream off', async () => {
    server.next(chat('{}'));
    await infer(create({ parameters: { temperature: 0, stream: false, max_tokens: 3 } }));
    expect(sent()).toMatchObject({ temperature: 0, stream: true, max_tokens: 3 });
  });

  it('tells of progress at the events, not at the headers', async () => {
    server.next(events(': ping\n\n', chatChunk({ content: '{}' }, 'stop'), done));
    const attempt = createAttempt(input);
    await create().infer(attempt);
    expect([attempt.sentCount, attempt.progressCount]).toEqual([1, 1]);
  });

  it('frees the model when nobody waits any more, in the middle of the stream', async () => {
    server.next(generateForever());
    const leaving = new AbortController();
    const attempt = createAttempt(input, leaving.signal);
    const aborted = server.aborted();
    const answer = create().infer(attempt);
    const reason = new Error('left');
    const ended = expect(answer).rejects.toBe(reason);
    await expect.poll(() => attempt.progressCount).toBeGreaterThan(2);
    leaving.abort(reason);
    await ended;
    await aborted;
  });
});

describe('an answer', () => {
  it.each([
    '{"label": "fr"}',
    ' {"label": "fr"}\n',
    '```json\n{"label": "fr"}\n```',
    '```\n{"label": "fr"}```',
    'Here you are:\n```json\n{"label": "fr"}\n```\nI hope it helps.',
    '<think>It says "Bonjour".\n</think>\n{"label": "fr"}',
  ])('is read out of %j', async (written) => {
    server.next(chat(written));
    await expect(infer(create())).resolves.toEqual({ label: 'fr' });
  });

  it('is read from a server that does not stream', async () => {
    const message = { role: 'assistant', content: '{"label": "fr"}' };
    server.next(json({ choices: [{ index: 0, message, finish_reason: 'stop' }] }));
    await expect(infer(create())).resolves.toEqual({ label: 'fr' });
  });

  it('is the text where the output is one, bare or under a name', async () => {
    server.next(chat('Good morning.'), chat('Good morning.'), completion(' Good morning.'));
    await expect(infer(create({}, { outputSchema: { type: 'string' } }))).resolves.toBe('Good morning.');
    expect(sent().response_format).toBeUndefined();
    await expect(infer(create({ output: 'text', output_name: 'english' }))).resolves.toEqual({
      english: 'Good morning.',
    });
    const completions = { api: 'completions', output: 'text', prompt: 'English of {{text}}:' };
    await expect(infer(create(completions))).resolves.toBe('Good morning.');
    expect(server.requests[2]?.path).toBe('/v1/completions');
    expect(sent(2)).toMatchObject({ prompt: 'English of Bonjour:', stream: true, max_tokens: 1024 });
  });

  it('goes through the mapping, with the input', async () => {
    server.next(chat('{"label": "fr"}'));
    const mapping = { response: async (body: JsonValue, given: JsonValue) => [body, given] };
    await expect(infer(create({}, { mapping }))).resolves.toEqual([{ label: 'fr' }, input]);
  });

  it.each([
    ['It is French.', "The model's answer is not JSON: It is French."],
    ['', 'The model wrote nothing.'],
    ['{"label": ', 'The model\'s answer is not JSON: {"label":'],
  ])('without JSON is invalid_output: %j', async (written, message) => {
    server.next(chat(written));
    await expect(infer(create())).rejects.toMatchObject({
      code: 'invalid_output',
      message,
      retryable: false,
    });
  });

  test.each(fixtures)('$name', async ({ contentType, body, expected, message }) => {
    server.next(text(body, { headers: { 'content-type': contentType } }));
    await expect(infer(create({ max_tokens: 64 }))).rejects.toMatchObject({
      ...expected,
      message,
      retryable: false,
    });
  });

  it('that breaks off with the connection is upstream_error', async () => {
    server.next((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatChunk({ content: '{' }), () => response.socket?.destroy());
    });
    await expect(infer(create())).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model server closed the connection in the middle of its answer.',
    });
  });

  it('of a server that closed an idle connection is asked for again', async () => {
    server.next(hangUp());
    await expect(infer(create())).rejects.toMatchObject({ code: 'upstream_error', retryable: true });
  });

  it.each([
    [
      400,
      "This model's maximum context length is 2048 tokens.",
      { code: 'upstream_error', retryable: false },
    ],
    [404, 'The model `tiny` does not exist.', { code: 'upstream_error', mayHaveRun: false }],
    [503, 'server busy, please try again.', { code: 'upstream_error', retryable: true, mayHaveRun: false }],
    [429, 'Model is overloaded', { code: 'upstream_error', retryable: true, mayHaveRun: false }],
    [503, 'Loading model', { code: 'model_not_ready' }],
    [401, 'Invalid API Key', { code: 'upstream_unauthorized' }],
  ])('of %i "%s" is an error of its own', async (status, message, expected) => {
    server.next(json({ error: { message, type: 'x', code: status } }, { status }));
    await expect(infer(create())).rejects.toMatchObject({
      ...expected,
      message: `The model server answered ${status}: ${message}`,
    });
  });
});

describe('a repair', () => {
  it('tells the model what is wrong, once', async () => {
    server.next(chat('{"label": "de"}'), chat('{"label": "fr"}'));
    const attempt = createAttempt(input);
    await expect(create({ repair: true }).infer(attempt)).resolves.toEqual({ label: 'fr' });
    expect(sent(1)).toEqual({
      ...sent(),
      messages: [
        { role: 'user', content: 'Bonjour' },
        { role: 'assistant', content: '{"label": "de"}' },
        { role: 'user', content: expect.stringMatching(/\/label .*"fr".*corrected/) },
      ],
    });
    expect(attempt.sentCount).toBe(2);
  });

  it('asks again for what is no JSON, also without messages', async () => {
    server.next(completion('French'), completion('{"label": "fr"}'));
    const adapter = create({ repair: true, api: 'completions' });
    await expect(infer(adapter)).resolves.toEqual({ label: 'fr' });
    expect(sent(1).prompt).toMatch(/^BonjourFrench\n\nThis answer cannot be used: it is not JSON\./);
  });

  it('that does not help leaves the answer to the output schema', async () => {
    server.next(chat('{"label": "de"}'), chat('{"label": "it"}'), chat('a'), chat('b'));
    await expect(infer(create({ repair: true }))).resolves.toEqual({ label: 'it' });
    await expect(infer(create({ repair: true }))).rejects.toMatchObject({ code: 'invalid_output' });
    expect(server.requests).toHaveLength(4);
  });

  it('is not tried unless the skill says so, nor for an answer that was truncated', async () => {
    server.next(chat('{"label": "de"}'), chat('{"lab', 'length'));
    await expect(infer(create())).resolves.toEqual({ label: 'de' });
    await expect(infer(create({ repair: true }))).rejects.toThrow(/truncated/);
    expect(server.requests).toHaveLength(2);
  });
});

describe('embeddings', () => {
  const embeddings = { api: 'embeddings', input_name: 'text' };

  it('of a list come in its order', async () => {
    server.next(
      json({
        data: [
          { index: 1, embedding: [2, 3] },
          { index: 0, embedding: [0, 1] },
        ],
      }),
    );
    await expect(infer(create(embeddings), { text: ['a', 'b'] })).resolves.toEqual({
      embeddings: [
        [0, 1],
        [2, 3],
      ],
    });
    expect(server.requests[0]?.path).toBe('/v1/embeddings');
    expect(sent()).toEqual({ model: 'tiny', input: ['a', 'b'] });
  });

  it('are read from base64 too', async () => {
    const bytes = Buffer.from(Float32Array.of(0.5, -2).buffer).toString('base64');
    server.next(json({ data: [{ index: 0, embedding: bytes }] }));
    await expect(infer(create(embeddings))).resolves.toEqual({ embedding: [0.5, -2] });
  });

  it.each<[JsonValue, string]>([
    [{ data: [] }, 'upstream_error'],
    [{ data: [{ index: 5, embedding: [1] }] }, 'upstream_error'],
    [{ data: [{ index: 0, embedding: {} }] }, 'upstream_error'],
    [{ data: [{ index: 0, embedding: [0.5, null] }] }, 'invalid_output'],
  ])('that are wrong are told: %j', async (answer, code) => {
    server.next(json(answer));
    await expect(infer(create(embeddings))).rejects.toMatchObject({ code });
  });
});

describe('a batch of embeddings', () => {
  const embeddings = { api: 'embeddings', input_name: 'text' };
  const batchOf = (...rows: JsonValue[]) => ({ ...createAttempt(null), input: rows });
  const vectors = (...numbers: number[]) =>
    json({ data: numbers.map((embedding, index) => ({ index, embedding: [embedding] })) });

  it('goes as one, each row with its own texts', async () => {
    server.next(vectors(1, 2, 3, 4));
    await expect(
      create(embeddings).inferBatch?.(batchOf({ text: 'a' }, { text: ['b', 'c'] }, { text: 'd' })),
    ).resolves.toEqual([{ embedding: [1] }, { embeddings: [[2], [3]] }, { embedding: [4] }]);
    expect(sent()).toEqual({ model: 'tiny', input: ['a', 'b', 'c', 'd'] });
    expect(server.requests).toHaveLength(1);
  });

  it('goes apart where a row is no text', async () => {
    server.always(vectors(1));
    await expect(create(embeddings).inferBatch?.(batchOf({ text: 'a' }, { text: [7] }))).resolves.toEqual([
      { embedding: [1] },
      { embeddings: [[1]] },
    ]);
    expect(server.requests).toHaveLength(2);
  });

  it.each<[EndpointOverrides, string[]]>([
    [{ options: embeddings }, []],
    [{ options: {} }, ['/endpoint/options/api']],
    [{ options: embeddings, request: 'text' }, ['/endpoint/request']],
    [{ options: embeddings, response: 'data' }, ['/endpoint/response']],
  ])('is possible with %j', (endpoint, pointers) => {
    const faults = openaiProtocol.checkBatching?.(createDefinition({ url: 'http://a', ...endpoint })) ?? [];
    expect(faults.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});

describe('a ranking', () => {
  const question = { query: 'French?', documents: ['Hello', 'Bonjour', 'Hola'], top_n: 2 };
  const ranked = {
    results: [
      { index: 1, score: 0.9, document: 'Bonjour' },
      { index: 2, score: 0.2, document: 'Hola' },
    ],
  };

  it('is asked for and read as Jina has it', async () => {
    const results = [
      { index: 2, relevance_score: 0.2 },
      { index: 1, relevance_score: 0.9 },
    ];
    server.next(json({ model: 'tiny', results }));
    await expect(infer(create({ api: 'rerank' }), question)).resolves.toEqual(ranked);
    expect(server.requests[0]?.path).toBe('/v1/rerank');
    expect(sent()).toEqual({ model: 'tiny', ...question });
  });

  it('is asked for and read as Text Embeddings Inference has it', async () => {
    server.next(
      json([
        { index: 0, score: 0.1 },
        { index: 1, score: 0.9 },
        { index: 2, score: 0.2 },
      ]),
    );
    await expect(infer(create({ api: 'rerank', rerank_api: 'tei' }), question)).resolves.toEqual(ranked);
    expect(server.requests[0]?.path).toBe('/rerank');
    expect(sent()).toEqual({ model: 'tiny', query: 'French?', texts: question.documents });
  });

  it.each<[JsonValue, string]>([
    [{ results: 3 }, 'upstream_error'],
    [{ results: [{ index: 9, relevance_score: 1 }] }, 'upstream_error'],
    [{ results: [{ index: 0, relevance_score: null }] }, 'invalid_output'],
  ])('that is wrong is told: %j', async (answer, code) => {
    server.next(json(answer));
    await expect(infer(create({ api: 'rerank' }), question)).rejects.toMatchObject({ code });
  });
});

describe('the probe', () => {
  const probe = (adapter: Adapter) => adapter.probe(new AbortController().signal);

  it.each<[string, JsonValue, string]>([
    ['tiny', { data: [{ id: 'tiny' }] }, 'ready'],
    ['tiny', { data: [{ id: 'tiny:latest', owned_by: 'library' }] }, 'ready'],
    ['tiny', { data: [{ id: 'large', owned_by: 'vllm' }] }, 'not_ready'],
    ['tiny', { data: [] }, 'not_ready'],
    ['tiny', { models: [], data: [{ id: '/models/a.gguf', owned_by: 'llamacpp' }] }, 'ready'],
    ['tiny', { data: [{ id: 'tiny', status: { value: 'loading' } }] }, 'loading'],
    ['tiny', { data: [{ id: 'tiny', status: { value: 'loaded' } }] }, 'ready'],
    ['tiny', { data: [{ id: 'tiny', status: { value: 'unloaded' } }, { id: 'b' }] }, 'ready'],
    ['tiny', { data: [{ id: 'tiny', status: { value: 'unloaded', failed: true } }] }, 'not_ready'],
  ])('of the model %s says of %j: %s', async (model, list, state) => {
    server.next(json(list));
    const status = await probe(create({}, { endpoint: { model } }));
    expect(status).toEqual({ state, reason: expect.stringMatching(/./) });
    expect(server.requests).toMatchObject([{ method: 'GET', path: '/v1/models' }]);
  });

  it('asks /health of a server without a list of models, and the path that it is given', async () => {
    server.next(json({}, { status: 404 }), text('', { status: 200 }), json({}, { status: 503 }));
    await expect(probe(create())).resolves.toMatchObject({ state: 'ready' });
    await expect(probe(create({ ready_path: '/health' }))).resolves.toMatchObject({ state: 'loading' });
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/models', '/health', '/health']);
  });

  it('says loading while llama.cpp loads', async () => {
    server.next(json({ error: { message: 'Loading model', code: 503 } }, { status: 503 }));
    await expect(probe(create())).resolves.toMatchObject({ state: 'loading' });
  });

  it('never lists another model as ready where the definition names none', async () => {
    server.next(modelList('a', 'b'));
    await expect(probe(create({}, { endpoint: { url: server.url } }))).resolves.toMatchObject({
      state: 'not_ready',
    });
  });
});

describe('a definition', () => {
  it.each<[JsonObject, string[]]>([
    [{}, []],
    [{ prompt: '{{text}} {{to}}' }, []],
    [{ prompt: '{{ txt }}' }, ['/endpoint/options/prompt']],
    [{ system: '{{a.b}}' }, ['/endpoint/options/system']],
    [{ messages: [{ role: 'user', content: '{{x}}' }] }, ['/endpoint/options/messages/0/content']],
    [{ messages: [{ role: 'user', content: 'a' }], prompt: 'b' }, ['/endpoint/options/messages']],
    [{ api: 'completions', system: 'a' }, ['/endpoint/options/api']],
    [{ api: 'completions', structured_output: 'format' }, ['/endpoint/options/structured_output']],
    [{ output_name: 'a' }, ['/endpoint/options/output_name']],
    [{ api: 'embeddings' }, []],
    [{ api: 'embeddings', input_name: 'txt' }, ['/endpoint/options/input_name']],
    [{ api: 'rerank', prompt: '{{text}}' }, ['/endpoint/options/prompt', '/endpoint/options/api']],
  ])('with the options %j', (options, pointers) => {
    const faults = faultsOf(openaiProtocol, { url: 'http://localhost:8000', options }, inputSchema);
    expect(faults.map(({ pointer }) => pointer)).toEqual(pointers);
  });
});
