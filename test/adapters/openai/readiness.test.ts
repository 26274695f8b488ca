import { describe, expect, it } from 'vitest';
import { openaiProtocol } from '../../../src/adapters/openai.ts';
import type { Adapter } from '../../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../../src/contracts/json.ts';
import { modelList } from '../../servers/generation.ts';
import { json, text } from '../../servers/model-server.ts';
import { faultsOf } from '../adapter-under-test.ts';
import { inputSchema, useOpenaiServer } from './setup.ts';

const openai = useOpenaiServer();
const { create } = openai;

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
    openai.server.next(json(list));
    const status = await probe(create({}, { endpoint: { model } }));
    expect(status).toEqual({ state, reason: expect.stringMatching(/./) });
    expect(openai.server.requests).toMatchObject([{ method: 'GET', path: '/v1/models' }]);
  });

  it('asks /health of a server without a list of models, and the path that it is given', async () => {
    openai.server.next(json({}, { status: 404 }), text('', { status: 200 }), json({}, { status: 503 }));
    await expect(probe(create())).resolves.toMatchObject({ state: 'ready' });
    await expect(probe(create({ ready_path: '/health' }))).resolves.toMatchObject({ state: 'loading' });
    expect(openai.server.requests.map(({ path }) => path)).toEqual(['/v1/models', '/health', '/health']);
  });

  it('says loading while llama.cpp loads', async () => {
    openai.server.next(json({ error: { message: 'Loading model', code: 503 } }, { status: 503 }));
    await expect(probe(create())).resolves.toMatchObject({ state: 'loading' });
  });

  it('never lists another model as ready where the definition names none', async () => {
    openai.server.next(modelList('a', 'b'));
    await expect(probe(create({}, { endpoint: { url: openai.server.url } }))).resolves.toMatchObject({
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
