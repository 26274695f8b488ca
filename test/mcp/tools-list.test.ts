import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { definitionOf, startApp, writeDefinition } from '../app.ts';
import { ask, eras, plainHeaders, send, startModel, startTool, waitForMessage } from './message.ts';

const names = (message: Awaited<ReturnType<typeof ask>>) => message.result?.tools?.map(({ name }) => name);

describe.each(eras)('tools/list of %s', (era) => {
  it('shows each skill with all that its definition says', async () => {
    const { url } = await startTool({
      title: 'Predict',
      annotations: { readOnlyHint: true },
      input_schema: {
        type: 'object',
        properties: { text: { $ref: '#/$defs/text' } },
        required: ['text'],
        $defs: { text: { type: 'string', description: 'What to look at' } },
      },
    });
    const { result } = await ask(url, era, 'tools/list');
    expect(result?.tools).toEqual([
      {
        name: 'local_model_predict',
        title: 'Predict',
        description: 'Call local NLP model for text processing',
        inputSchema: {
          type: 'object',
          properties: { text: { type: 'string', description: 'What to look at' } },
          required: ['text'],
        },
        outputSchema: {
          type: 'object',
          properties: { prediction: { type: 'string' }, confidence: { type: 'number' } },
        },
        annotations: { readOnlyHint: true },
        ...(era === '2025-11-25' && { execution: { taskSupport: 'optional' } }),
        _meta: { 'anthropic/maxResultSizeChars': 500_000 },
      },
    ]);
    const isModern = era === '2026-07-28';
    expect(result?.resultType).toBe(isModern ? 'complete' : undefined);
    expect(result?.cacheScope).toBe(isModern ? 'private' : undefined);
  });

  it('is in the order of the names, and says the same to the SDK and past it', async () => {
    const model = await startModel();
    const { url } = await startApp(['b', 'c', 'a'].map((name) => definitionOf(model.url, { name })));
    expect(names(await ask(url, era, 'tools/list'))).toEqual(['a', 'b', 'c']);
    if (era === '2025-11-25') return;
    const bySdk = await ask(url, era, 'tools/list', {}, { headers: { accept: '*/*' } });
    expect(bySdk).toEqual(await ask(url, era, 'tools/list'));
  });

  it('refuses a cursor that it never gave', async () => {
    const { url } = await startTool();
    expect(await ask(url, era, 'tools/list', { cursor: 'x' })).toMatchObject({ error: { code: -32602 } });
  });

  it('shows, and lets call, only what the credentials cover', async () => {
    const model = await startModel();
    const hash = createHash('sha256').update('secret').digest('hex');
    const { url } = await startApp(
      ['a', 'b'].map((name) => definitionOf(model.url, { name })),
      { AUTH_API_KEYS: `one:${hash}:a` },
    );
    const headers = { authorization: 'Bearer secret' };
    expect(names(await ask(url, era, 'tools/list', {}, { headers }))).toEqual(['a']);
    const refused = await ask(url, era, 'tools/call', { name: 'b', arguments: {} }, { headers });
    expect(refused.error?.message).toBe('Unknown tool: b');
  });
});

describe('a change of the skills', () => {
  const stillThere = definitionOf('http://127.0.0.1:9', { name: 'new_skill' });

  it('is announced on the stream of a client of 2025-11-25', async () => {
    const { url, skillsDir } = await startTool();
    const stream = await fetch(`${url}/mcp`, { headers: { accept: 'text/event-stream' } });
    expect(stream.headers.get('content-type')).toBe('text/event-stream');
    const told = waitForMessage(stream, 'notifications/tools/list_changed');
    await writeDefinition(skillsDir, stillThere);
    await told;
    expect(names(await ask(url, '2025-11-25', 'tools/list'))).toEqual(['local_model_predict', 'new_skill']);
  });

  it('is announced on the subscription of a client of 2026-07-28', async () => {
    const { url, skillsDir } = await startTool();
    const notifications = { toolsListChanged: true };
    const stream = await send(url, '2026-07-28', 'subscriptions/listen', { notifications }, { id: 'sub' });
    const told = waitForMessage(stream, 'notifications/tools/list_changed');
    await rm(join(skillsDir, 'local_model_predict.json'));
    expect((await told).params?._meta).toMatchObject({ 'io.modelcontextprotocol/subscriptionId': 'sub' });
    expect(names(await ask(url, '2026-07-28', 'tools/list'))).toEqual([]);
  });

  it('is not waited for when the gateway closes', async () => {
    const { url, app } = await startTool();
    const streams = await Promise.all([
      fetch(`${url}/mcp`, { headers: { accept: 'text/event-stream' } }),
      send(url, '2026-07-28', 'subscriptions/listen', { notifications: { toolsListChanged: true } }),
    ]);
    const ended = Promise.all(streams.map((stream) => stream.text().catch(() => 'cut off')));
    const start = performance.now();
    await app.close(5000);
    await ended;
    expect(performance.now() - start).toBeLessThan(2000);
  });

  it('is waited for by stream only: there is no other GET, and no DELETE', async () => {
    const { url } = await startTool();
    const attempts: readonly RequestInit[] = [
      { headers: { accept: 'application/json' } },
      { headers: { accept: 'text/event-stream', 'mcp-protocol-version': '2026-07-28' } },
      { method: 'DELETE', headers: plainHeaders },
    ];
    for (const attempt of attempts) expect((await fetch(`${url}/mcp`, attempt)).status).toBe(405);
    expect((await fetch(`${url}/mcp`, { method: 'HEAD', headers: plainHeaders })).status).toBe(404);
  });
});
