import { describe, expect, it, test } from 'vitest';
import type { JsonValue } from '../../../src/contracts/json.ts';
import { chat, chatChunk, completion } from '../../servers/generation.ts';
import { hangUp, json, text } from '../../servers/model-server.ts';
import fixtures from '../__fixtures__/openai.json' with { type: 'json' };
import { input, useOpenaiServer } from './setup.ts';

const openai = useOpenaiServer();
const { create, infer, sent } = openai;

describe('an answer', () => {
  it.each([
    '{"label": "fr"}',
    ' {"label": "fr"}\n',
    '```json\n{"label": "fr"}\n```',
    '```\n{"label": "fr"}```',
    'Here you are:\n```json\n{"label": "fr"}\n```\nI hope it helps.',
    '<think>It says "Bonjour".\n</think>\n{"label": "fr"}',
  ])('is read out of %j', async (written) => {
    openai.server.next(chat(written));
    await expect(infer(create())).resolves.toEqual({ label: 'fr' });
  });

  it('is read from a server that does not stream', async () => {
    const message = { role: 'assistant', content: '{"label": "fr"}' };
    openai.server.next(json({ choices: [{ index: 0, message, finish_reason: 'stop' }] }));
    await expect(infer(create())).resolves.toEqual({ label: 'fr' });
  });

  it('is the text where the output is one, bare or under a name', async () => {
    openai.server.next(chat('Good morning.'), chat('Good morning.'), completion(' Good morning.'));
    await expect(infer(create({}, { outputSchema: { type: 'string' } }))).resolves.toBe('Good morning.');
    expect(sent().response_format).toBeUndefined();
    await expect(infer(create({ output: 'text', output_name: 'english' }))).resolves.toEqual({
      english: 'Good morning.',
    });
    const completions = { api: 'completions', output: 'text', prompt: 'English of {{text}}:' };
    await expect(infer(create(completions))).resolves.toBe('Good morning.');
    expect(openai.server.requests[2]?.path).toBe('/v1/completions');
    expect(sent(2)).toMatchObject({ prompt: 'English of Bonjour:', stream: true, max_tokens: 1024 });
  });

  it('goes through the mapping, with the input', async () => {
    openai.server.next(chat('{"label": "fr"}'));
    const mapping = { response: async (body: JsonValue, given: JsonValue) => [body, given] };
    await expect(infer(create({}, { mapping }))).resolves.toEqual([{ label: 'fr' }, input]);
  });

  it.each([
    ['It is French.', "The model's answer is not JSON: It is French."],
    ['', 'The model wrote nothing.'],
    ['{"label": ', 'The model\'s answer is not JSON: {"label":'],
  ])('without JSON is invalid_output: %j', async (written, message) => {
    openai.server.next(chat(written));
    await expect(infer(create())).rejects.toMatchObject({
      code: 'invalid_output',
      message,
      retryable: false,
    });
  });

  test.each(fixtures)('$name', async ({ contentType, body, expected, message }) => {
    openai.server.next(text(body, { headers: { 'content-type': contentType } }));
    await expect(infer(create({ max_tokens: 64 }))).rejects.toMatchObject({
      ...expected,
      message,
      retryable: false,
    });
  });

  it('that breaks off with the connection is upstream_error', async () => {
    openai.server.next((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chatChunk({ content: '{' }), () => response.socket?.destroy());
    });
    await expect(infer(create())).rejects.toMatchObject({
      code: 'upstream_error',
      message: 'The model server closed the connection in the middle of its answer.',
    });
  });

  it('of a server that closed an idle connection is asked for again', async () => {
    openai.server.next(hangUp());
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
    openai.server.next(json({ error: { message, type: 'x', code: status } }, { status }));
    await expect(infer(create())).rejects.toMatchObject({
      ...expected,
      message: `The model server answered ${status}: ${message}`,
    });
  });
});
