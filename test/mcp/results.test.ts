import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { createMemoryResults } from '../../src/stores/memory-results.ts';
import { json } from '../servers/model-server.ts';
import { ask, startTool, textOf, toolName } from './message.ts';

const call = { name: toolName, arguments: { text: 'hello' } };
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const image = { type: 'string', contentMediaType: 'image/png', contentEncoding: 'base64' };

describe('images', () => {
  it('come as image content, and the rest of the answer as text', async () => {
    const { url, model } = await startTool({
      output_schema: {
        type: 'object',
        properties: {
          caption: { type: 'string' },
          picture: image,
          more: { type: 'array', items: { anyOf: [image, { type: 'null' }] } },
        },
      },
    });
    const jpeg = `data:image/jpeg;base64,${pixel}`;
    model.always(json({ caption: 'a dot', picture: pixel, more: [null, jpeg, 'no image at all'] }));
    const list = await ask(url, '2026-07-28', 'tools/list');
    expect(list.result?.tools?.[0]).not.toHaveProperty('outputSchema');
    const { result } = await ask(url, '2026-07-28', 'tools/call', call);
    expect(result).not.toHaveProperty('structuredContent');
    expect(result?.content).toEqual([
      {
        type: 'text',
        text: JSON.stringify({
          caption: 'a dot',
          picture: '(image 1, image/png)',
          more: [null, '(image 2, image/jpeg)', 'no image at all'],
        }),
      },
      { type: 'image', data: pixel, mimeType: 'image/png' },
      { type: 'image', data: pixel, mimeType: 'image/jpeg' },
    ]);
  });

  it('come as image content where the whole answer is one', async () => {
    const { url, model } = await startTool({ output_schema: image });
    model.always(json(pixel));
    const { result } = await ask(url, '2025-11-25', 'tools/call', call);
    expect(result?.content).toEqual([
      { type: 'text', text: '{"result":"(image 1, image/png)"}' },
      { type: 'image', data: pixel, mimeType: 'image/png' },
    ]);
  });
});

describe('a result that is larger than clients take', () => {
  const large = { prediction: 'x'.repeat(60_000) };
  const keys = ['one', 'two'].map((name) => `${name}:${createHash('sha256').update(name).digest('hex')}`);
  const as = (name: string) => ({ headers: { authorization: `Bearer ${name}` } });

  it('comes whole, with a link by which its caller, and nobody else, can fetch it', async () => {
    const { url, model } = await startTool({}, { AUTH_API_KEYS: keys.join() });
    model.always(json(large));
    const { result } = await ask(url, '2026-07-28', 'tools/call', call, as('one'));
    expect(result?.structuredContent).toEqual(large);
    expect(result?.content).toMatchObject([
      { type: 'text' },
      { type: 'resource_link', mimeType: 'application/json' },
    ]);
    const meta = result?._meta as Record<string, { url: string; expires_at: string }> | undefined;
    const { url: link = '', expires_at: end = '' } = meta?.['skillgate/result'] ?? {};
    expect(new Date(end).getTime() - Date.now()).toBeGreaterThan(3_590_000);
    const fetched = await fetch(link, as('one'));
    expect(await fetched.json()).toEqual(large);
    expect((await fetch(link, as('two'))).status).toBe(404);
    expect((await fetch(link)).status).toBe(401);
    expect((await fetch(`${url}/mcp/results/nothing`, as('one'))).status).toBe(404);
  });

  it('is told apart from one that they take', async () => {
    const { url, model } = await startTool();
    model.always(json({ prediction: 'x'.repeat(40_000) }));
    const answer = await ask(url, '2025-11-25', 'tools/call', call);
    expect(textOf(answer)).toHaveLength(40_000 + '{"prediction":""}'.length);
    expect(answer.result).not.toHaveProperty('_meta');
  });
});

describe('kept results', () => {
  it('are forgotten after their time', async () => {
    vi.useFakeTimers();
    vi.advanceTimersByTime(1); // lru-cache takes a clock at 0 for no time at all.
    const results = createMemoryResults({ maxBytes: 10_000, ttlMs: 1000 });
    const id = (await results.keep({ callerId: 'a', json: '1' })) ?? '';
    vi.advanceTimersByTime(999);
    expect(await results.find(id)).toEqual({ callerId: 'a', json: '1' });
    vi.advanceTimersByTime(2);
    expect(await results.find(id)).toBeUndefined();
    vi.useRealTimers();
  });

  it('stay within their bytes, the oldest one leaving first, and one that is too large is not kept', async () => {
    const results = createMemoryResults({ maxBytes: 10_000, ttlMs: 1000 });
    const keep = async (size: number) => results.keep({ callerId: 'a', json: 'x'.repeat(size) });
    const [first = '', second = ''] = [await keep(2000), await keep(2000)];
    expect(await keep(20_000)).toBeUndefined();
    const third = (await keep(2000)) ?? '';
    expect(
      [await results.find(first), await results.find(second), await results.find(third)].map(Boolean),
    ).toEqual([false, true, true]);
  });
});
