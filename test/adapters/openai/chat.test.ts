import { describe, expect, it } from 'vitest';
import type { JsonObject, JsonValue } from '../../../src/contracts/json.ts';
import { createAttempt } from '../../attempt.ts';
import { chat, chatChunk, completion, done, events, generateForever } from '../../servers/generation.ts';
import { input, useOpenaiServer } from './setup.ts';

const openai = useOpenaiServer();
const { create, infer, sent } = openai;

describe('a chat', () => {
  it('asks for a stream, within max_tokens, in the form of the output schema', async () => {
    openai.server.next(chat('{"label": "fr"}'));
    await expect(infer(create())).resolves.toEqual({ label: 'fr' });
    expect(openai.server.requests).toMatchObject([{ method: 'POST', path: '/v1/chat/completions' }]);
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
    openai.server.next(chat('{}'));
    await infer(create({}, { endpoint: { url: `${openai.server.url}/gateway${path}` } }));
    expect(openai.server.requests[0]?.path).toBe('/gateway/v1/chat/completions');
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
    openai.server.next(chat('{}'));
    const parameters = kind === 'format' ? { keep_alive: '1h', options: { top_k: 3 } } : {};
    const adapter = create(
      { structured_output: kind, max_tokens: 7, parameters },
      { outputSchema: { type: 'object' } },
    );
    await infer(adapter);
    expect(openai.server.requests[0]?.path).toBe(path);
    expect(sent()).toEqual({
      model: 'tiny',
      messages: [{ role: 'user', content: 'Bonjour' }],
      stream: true,
      ...(kind !== 'format' && { max_tokens: 7 }),
      ...told,
    });
  });

  it('fills templates with the input, which cannot name other properties', async () => {
    openai.server.next(chat('{}'));
    const options = { system: 'Translate to {{ to }}.', prompt: '<{{text}}> {{missing.deep}} {{more.list}}' };
    await infer(create(options), { text: '{{to}} $&', to: 'fr', more: { list: [1, 2] } });
    expect(sent().messages).toEqual([
      { role: 'system', content: 'Translate to fr.' },
      { role: 'user', content: '<{{to}} $&>  [1,2]' },
    ]);
  });

  it('takes the whole conversation from the options, or from the input', async () => {
    openai.server.next(chat('{}'), chat('{}'));
    const messages = [{ role: 'user', content: 'Is {{text}} French?' }];
    await infer(create({ messages }));
    expect(sent().messages).toEqual([{ role: 'user', content: 'Is Bonjour French?' }]);
    const given = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }] }];
    await infer(create({ system: 'Be short.' }), { messages: given });
    expect(sent(1).messages).toEqual([{ role: 'system', content: 'Be short.' }, ...given]);
  });

  it('asks an input of several properties as JSON', async () => {
    openai.server.next(chat('{}'));
    await infer(create(), { text: 'a', to: 'fr' });
    expect(sent().messages).toEqual([{ role: 'user', content: '{"text":"a","to":"fr"}' }]);
  });

  it.each<[string, JsonValue, JsonObject]>([
    ['a text', 'Say it.', { messages: [{ role: 'user', content: 'Say it.' }] }],
    ['a list', [{ role: 'tool', content: 'x' }], { messages: [{ role: 'tool', content: 'x' }] }],
    ['an object', { messages: [], top_p: 0.5 }, { messages: [], top_p: 0.5 }],
  ])('takes %s from the mapping', async (_what, mapped, expected) => {
    openai.server.next(chat('{}'));
    await infer(create({}, { mapping: { request: async () => mapped } }));
    expect(sent()).toMatchObject({ ...expected, model: 'tiny', stream: true });
  });

  it('adds the parameters, which cannot turn the stream off', async () => {
    openai.server.next(chat('{}'));
    await infer(create({ parameters: { temperature: 0, stream: false, max_tokens: 3 } }));
    expect(sent()).toMatchObject({ temperature: 0, stream: true, max_tokens: 3 });
  });

  it('tells of progress at the events, not at the headers', async () => {
    openai.server.next(events(': ping\n\n', chatChunk({ content: '{}' }, 'stop'), done));
    const attempt = createAttempt(input);
    await create().infer(attempt);
    expect([attempt.sentCount, attempt.progressCount]).toEqual([1, 1]);
  });

  it('frees the model when nobody waits any more, in the middle of the stream', async () => {
    openai.server.next(generateForever());
    const leaving = new AbortController();
    const attempt = createAttempt(input, leaving.signal);
    const aborted = openai.server.aborted();
    const answer = create().infer(attempt);
    const reason = new Error('left');
    const ended = expect(answer).rejects.toBe(reason);
    await expect.poll(() => attempt.progressCount).toBeGreaterThan(2);
    leaving.abort(reason);
    await ended;
    await aborted;
  });
});

describe('a repair', () => {
  it('tells the model what is wrong, once', async () => {
    openai.server.next(chat('{"label": "de"}'), chat('{"label": "fr"}'));
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
    openai.server.next(completion('French'), completion('{"label": "fr"}'));
    const adapter = create({ repair: true, api: 'completions' });
    await expect(infer(adapter)).resolves.toEqual({ label: 'fr' });
    expect(sent(1).prompt).toMatch(/^BonjourFrench\n\nThis answer cannot be used: it is not JSON\./);
  });

  it('that does not help leaves the answer to the output schema', async () => {
    openai.server.next(chat('{"label": "de"}'), chat('{"label": "it"}'), chat('a'), chat('b'));
    await expect(infer(create({ repair: true }))).resolves.toEqual({ label: 'it' });
    await expect(infer(create({ repair: true }))).rejects.toMatchObject({ code: 'invalid_output' });
    expect(openai.server.requests).toHaveLength(4);
  });

  it('is not tried unless the skill says so, nor for an answer that was truncated', async () => {
    openai.server.next(chat('{"label": "de"}'), chat('{"lab', 'length'));
    await expect(infer(create())).resolves.toEqual({ label: 'de' });
    await expect(infer(create({ repair: true }))).rejects.toThrow(/truncated/);
    expect(openai.server.requests).toHaveLength(2);
  });
});
