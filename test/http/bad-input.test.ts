import { describe, expect, it, onTestFinished } from 'vitest';
import type { Problem } from '../../src/contracts/problem.ts';
import { definitionOf, readJson, startApp } from '../app.ts';
import {
  type Behaviour,
  halfAnswer,
  hang,
  hangUp,
  html,
  json,
  redirect,
  reset,
  resetInTheMiddle,
  startModelServer,
  text,
  trickle,
} from '../servers/model-server.ts';

const strict = {
  output_schema: {
    type: 'object',
    properties: { prediction: { type: 'string' }, confidence: { type: 'number' } },
    required: ['prediction'],
  },
  timeouts: { first_byte_ms: 100, between_bytes_ms: 100, total_ms: 1500 },
  retry: { max_attempts: 2, base_ms: 1, max_ms: 5 },
  breaker: { failures: 100 },
};

async function setUp(env: Record<string, string> = {}) {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive', confidence: 0.9 }));
  const running = await startApp([definitionOf(model.url, strict)], env);
  return { model, ...running };
}

describe('a bad request', () => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

  it.each([
    ['broken JSON', '{"text": ', 400, 'malformed_json', undefined],
    ['an empty body', '', 400, 'malformed_json', undefined],
    ['a wrong type', '{"text": 5}', 400, 'invalid_input', '/text'],
    ['a missing field', '{}', 400, 'invalid_input', ''],
    ['no object', '[1, 2]', 400, 'invalid_input', ''],
    [
      '100,000-deep nesting',
      `{"text": "x", "more": ${deep}}`,
      400,
      'invalid_input',
      `/more${'/0'.repeat(127)}`,
    ],
    ['a __proto__ key', '{"text": "x", "__proto__": {"admin": true}}', 400, 'invalid_input', ''],
  ])('with %s is refused, and the next one is served', async (_what, body, status, code, pointer) => {
    const { model, post } = await setUp();
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json(;|$)/);
    const problem = await readJson<Problem>(response);
    expect(problem).toMatchObject({
      type: `urn:skillgate:error:${code}`,
      status,
      code,
      title: expect.any(String),
      detail: expect.any(String),
      request_id: response.headers.get('x-request-id'),
    });
    if (pointer !== undefined) expect(problem.errors?.[0]?.pointer).toBe(pointer);
    expect(model.requests).toHaveLength(0);
    expect((await post({ text: 'hello' })).status).toBe(200);
  });

  it('to an unknown skill or route is answered 404', async () => {
    const { post, url } = await setUp();
    expect(await (await post({}, { path: '/skills/unknown' })).json()).toMatchObject({
      code: 'skill_not_found',
      status: 404,
    });
    expect(await (await fetch(`${url}/nowhere?key=secret`)).json()).toMatchObject({
      code: 'not_found',
      detail: 'There is no GET /nowhere here.',
    });
    expect(await (await post({}, { path: '/skills/..%2f..%2fetc%2fpasswd' })).json()).toMatchObject({
      code: 'skill_not_found',
    });
  });

  it.each([
    ['that cannot be read', '/skills/%', 400, 'invalid_request'],
    ['with a name of 3000 characters', `/skills/${'a'.repeat(3000)}`, 404, 'not_found'],
  ])('to a path %s is answered as any other error', async (_what, path, status, code) => {
    const { url } = await setUp();
    const response = await fetch(url + path);
    expect([response.status, response.headers.get('x-request-id')]).toEqual([status, expect.any(String)]);
    expect(await response.json()).toMatchObject({ code, request_id: response.headers.get('x-request-id') });
  });

  it('with an integer that a double would round is refused, or kept whole where the schema takes text', async () => {
    const model = await startModelServer();
    onTestFinished(() => model.close());
    model.always(json({}));
    const number = { type: ['integer', 'string'] };
    const input = (type: unknown) => ({ type: 'object', properties: { id: type } });
    const { post } = await startApp([
      definitionOf(model.url, {
        name: 'numbers',
        input_schema: input({ type: 'integer' }),
        output_schema: {},
      }),
      definitionOf(model.url, { name: 'texts', input_schema: input(number), output_schema: {} }),
    ]);
    const refused = await post('{"id": 9007199254740993}', { path: '/skills/numbers' });
    expect(await refused.json()).toMatchObject({ code: 'invalid_input', errors: [{ pointer: '/id' }] });
    expect((await post('{"id": 9007199254740991}', { path: '/skills/numbers' })).status).toBe(200);
    expect((await post('{"id": 9007199254740993}', { path: '/skills/texts' })).status).toBe(200);
    expect(model.requests.map(({ body }) => body)).toEqual([
      '{"id":9007199254740991}',
      '{"id":"9007199254740993"}',
    ]);
  });

  it('that is not UTF-8 is refused rather than mended', async () => {
    const { model, url } = await setUp();
    const response = await fetch(`${url}/skills/local_model_predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from('{"text":"caf\xe9"}', 'latin1'),
    });
    expect(await response.json()).toMatchObject({
      code: 'malformed_json',
      detail: expect.stringContaining('UTF-8'),
    });
    expect(model.requests).toHaveLength(0);
  });

  it.each([
    ['in another format', 'application/x-www-form-urlencoded', 'as application/x-www-form-urlencoded;'],
    ['in a format that is none', 'json', 'as json;'],
    ['in a format with a long name', `text/${'x'.repeat(500)}`, `as text/${'x'.repeat(95)};`],
    ['that does not tell its format', '', 'without a type;'],
  ])('%s is answered 415, with what was sent and what is taken', async (_what, type, sent) => {
    const { url } = await setUp();
    const body = new Blob(['{"text":"hello"}']);
    const headers = type === '' ? {} : { 'content-type': type };
    const response = await fetch(`${url}/skills/local_model_predict`, { method: 'POST', headers, body });
    expect(response.status).toBe(415);
    expect(await response.json()).toMatchObject({
      code: 'unsupported_media_type',
      detail: `The body was sent ${sent} only application/json is taken.`,
    });
  });

  it('of 50 MB is answered 413 without reading it, and the next one is served', async () => {
    const { post } = await setUp();
    const response = await post({ text: 'x'.repeat(50 * 1024 * 1024) }).catch((error: unknown) => error);
    // The gateway may close the connection while the client still sends; then the client sees a broken pipe.
    if (response instanceof Response) {
      expect(response.status).toBe(413);
      expect(await response.json()).toMatchObject({ code: 'payload_too_large' });
    } else {
      expect(String(response)).toMatch(/fetch failed/);
    }
    expect((await post({ text: 'hello' })).status).toBe(200);
  });

  it('that is declared too large is answered 413', async () => {
    const { post } = await setUp({ BODY_LIMIT_BYTES: '1000' });
    const response = await post({ text: 'x'.repeat(2000) });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: 'payload_too_large' });
  });
});

describe('a bad answer of the model server', () => {
  const nan: Behaviour = text('{"prediction": "a", "confidence": NaN}', {
    headers: { 'content-type': 'application/json' },
  });

  it.each<[string, Behaviour, number, string, RegExp]>([
    ['NaN', nan, 502, 'invalid_output', /confidence/],
    ['half an answer', halfAnswer(), 502, 'upstream_error', /./],
    ['an answer that breaks off', resetInTheMiddle(), 502, 'upstream_error', /./],
    ['an answer of another shape', json({ label: 'positive' }), 502, 'invalid_output', /prediction/],
    ['an answer that is no JSON', text('positive'), 502, 'upstream_error', /JSON/],
    [
      'an answer that is not UTF-8',
      (response) => response.writeHead(200).end(Buffer.from('{"prediction":"caf\xe9"}', 'latin1')),
      502,
      'upstream_error',
      /UTF-8/,
    ],
    ['nothing at all', hang(), 504, 'upstream_timeout', /first_byte_ms/],
    ['a byte a second', trickle('{"prediction": "a"}', 1000), 504, 'upstream_timeout', /between_bytes_ms/],
    ['a reset', reset(), 502, 'upstream_error', /./],
    ['a closed connection', hangUp(), 502, 'upstream_error', /./],
    ['401', json({ error: 'expired' }, { status: 401 }), 502, 'upstream_unauthorized', /expired/],
    ['404', json({ detail: 'Not Found' }, { status: 404 }), 502, 'upstream_error', /Not Found/],
    [
      '422 with the faults of FastAPI',
      json({ detail: [{ loc: ['body', 'text'], msg: 'too long' }] }, { status: 422 }),
      502,
      'upstream_error',
      /too long/,
    ],
    [
      '500 with HTML',
      html(500, 'Internal Server Error'),
      502,
      'upstream_error',
      /^(?!.*<).*Internal Server Error/,
    ],
    [
      '503 while it loads',
      json({ error: 'Model not ready' }, { status: 503 }),
      503,
      'model_not_ready',
      /Model not ready/,
    ],
    ['a redirect', redirect('http://169.254.169.254/'), 502, 'upstream_error', /redirect/i],
  ])('%s is told as it is, and the gateway goes on', async (_what, behaviour, status, code, detail) => {
    const { model, post } = await setUp();
    model.next(behaviour, behaviour);
    const response = await post({ text: 'hello' });
    const problem = await readJson<Problem>(response);
    expect([response.status, problem.code]).toEqual([status, code]);
    expect(problem.detail).toMatch(detail);
    expect(JSON.stringify(problem)).not.toContain(model.url);
    // What was planned and not asked for must not meet the next call.
    model.next();
    await expect.poll(async () => (await post({ text: 'again' })).status).toBe(200);
  });

  it('is stored nowhere', async () => {
    const { model, post } = await setUp();
    model.next(json({ label: 'positive' }));
    expect((await post({ text: 'hello' })).status).toBe(502);
    expect((await post({ text: 'hello' })).status).toBe(200);
  });

  it('429 is tried again after its Retry-After, and told with it when that outlasts the deadline', async () => {
    const { model, post } = await setUp();
    model.next(json({ error: 'busy' }, { status: 429, headers: { 'retry-after': '1' } }));
    expect((await post({ text: 'patient' })).status).toBe(200);
    expect(model.requests).toHaveLength(2);
    model.next(json({ error: 'busy' }, { status: 429, headers: { 'retry-after': '60' } }));
    const response = await post({ text: 'hurried' });
    expect(response.status).toBe(502);
    expect(response.headers.get('retry-after')).toBe('60');
    expect(await response.json()).toMatchObject({
      code: 'upstream_error',
      detail: expect.stringContaining('busy'),
    });
  });

  it.each([502, 503, 504])('%i is tried again', async (status) => {
    const { model, post } = await setUp();
    model.next(json({ error: 'a passing fault' }, { status }));
    expect((await post({ text: 'hello' })).status).toBe(200);
    expect(model.requests).toHaveLength(2);
  });

  it.each([400, 404, 422, 500])('%i is not tried again', async (status) => {
    const { model, post } = await setUp();
    model.next(json({ error: 'a lasting fault' }, { status }));
    expect((await post({ text: 'hello' })).status).toBe(502);
    expect(model.requests).toHaveLength(1);
  });
});
