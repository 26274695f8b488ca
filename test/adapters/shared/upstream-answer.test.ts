import { describe, expect, test } from 'vitest';
import {
  probing,
  readJsonAnswer,
  refusalOf,
  statusOfRefusal,
} from '../../../src/adapters/shared/upstream-answer.ts';
import { SkillgateError } from '../../../src/contracts/errors.ts';
import type { UpstreamResponse } from '../../../src/contracts/transport.ts';
import refusals from '../__fixtures__/refusals.json' with { type: 'json' };

function response(status: number, body: string, headers: UpstreamResponse['headers'] = {}): UpstreamResponse {
  return { status, headers, body: Buffer.from(body) };
}

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('a refusal, as documented by those who write it:', () => {
  test.each(refusals)('$name', ({ status, headers, body, expected, message }) => {
    const error = refusalOf(response(status, body, headers));
    expect(error).toMatchObject({ ...expected, message, upstreamStatus: status });
    expect(thrownBy(() => readJsonAnswer(response(status, body, headers)))).toEqual(error);
  });

  test('where a redirect leads is for the log, not for the caller', () => {
    const error = refusalOf(response(307, '', { location: 'http://10.0.0.7:8000/elsewhere' }));
    expect(error.message).not.toContain('10.0.0.7');
    expect(error.cause).toMatchObject({ message: 'location: http://10.0.0.7:8000/elsewhere' });
  });

  test.each([429, 503, 504, 502])('%s carries Retry-After', (status) => {
    expect(refusalOf(response(status, '', { 'retry-after': '7' }))).toMatchObject({ retryAfterMs: 7000 });
    expect(refusalOf(response(status, ''))).toMatchObject({ retryAfterMs: undefined });
  });

  test('of a loading model carries the Retry-After of the server, or one of our own', () => {
    expect(refusalOf(response(503, 'loading', { 'retry-after': '30' })).retryAfterMs).toBe(30_000);
    expect(refusalOf(response(503, 'loading')).retryAfterMs).toBeGreaterThan(0);
  });

  test.each([
    [503, 'Loading model', true],
    [503, 'Model is not ready', true],
    [503, 'model not yet loaded', true],
    [503, 'The engine is initializing', true],
    [503, 'Model is warming up', true],
    [503, 'Service Unavailable', false],
    [503, 'downloading failed', false],
    [503, '', false],
    [500, 'Loading model', false],
    [404, 'not ready', false],
  ])('%s "%s" means that the model is on its way: %s', (status, body, isLoading) => {
    expect(refusalOf(response(status, body)).code === 'model_not_ready').toBe(isLoading);
  });
});

describe('an answer', () => {
  test('is read as JSON whatever its media type says', () => {
    expect(readJsonAnswer(response(200, '{"a":1}', { 'content-type': 'text/plain' }))).toEqual({ a: 1 });
    expect(readJsonAnswer(response(201, '[NaN]'))).toEqual([Number.NaN]);
  });

  test.each([
    ['', 'The model server answered 200 without a body.'],
    ['{"prediction": "a', 'The model server\'s answer is not JSON: {"prediction": "a'],
    ['<html><title>Welcome</title></html>', "The model server's answer is not JSON: Welcome"],
  ])('%j is upstream_error', (body, message) => {
    expect(thrownBy(() => readJsonAnswer(response(200, body)))).toMatchObject({
      code: 'upstream_error',
      message,
      retryable: false,
      upstreamStatus: 200,
    });
  });

  test('that is nested too deeply for its long integers to be read is upstream_error', () => {
    const deep = `${'['.repeat(100_000)}12345678901234567890${']'.repeat(100_000)}`;
    expect(thrownBy(() => readJsonAnswer(response(200, deep)))).toMatchObject({ code: 'upstream_error' });
  });
});

describe('a probe', () => {
  test.each([
    [503, 'loading'],
    [500, 'not_ready'],
    [404, 'not_ready'],
    [401, 'not_ready'],
    [307, 'not_ready'],
  ])('that is answered %s says %s', (status, state) => {
    expect(statusOfRefusal(response(status, '{"error":"why"}'))).toEqual({
      state,
      reason: `The model server answered ${status}: why`,
    });
  });

  test('that fails says that the server is unreachable, unless it was called off', async () => {
    const failure = new SkillgateError('upstream_error', 'refused');
    const fail = (): Promise<never> => Promise.reject(failure);
    await expect(probing(new AbortController().signal, fail)).resolves.toEqual({
      state: 'unreachable',
      reason: 'refused',
    });
    const reason = new SkillgateError('upstream_timeout', 'called off');
    await expect(probing(AbortSignal.abort(reason), fail)).rejects.toBe(reason);
  });

  test('does not hide a fault of the gateway', async () => {
    const fault = new TypeError('undefined is not a function');
    await expect(probing(new AbortController().signal, () => Promise.reject(fault))).rejects.toBe(fault);
  });
});
