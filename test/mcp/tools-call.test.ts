import { describe, expect, it } from 'vitest';
import { after as delayed, json } from '../servers/model-server.ts';
import { ask, eras, readMessages, send, startTool, textOf, toolName, waitForMessage } from './message.ts';

const call = { name: toolName, arguments: { text: 'hello' } };

describe.each(eras)('tools/call of %s', (era) => {
  it("gives the model's answer as structured content, and the same as text", async () => {
    const { url, model } = await startTool();
    const { id, result } = await ask(url, era, 'tools/call', call, { id: 'a"b' });
    expect(id).toBe('a"b');
    expect(result).toMatchObject({
      content: [{ type: 'text', text: '{"prediction":"positive","confidence":0.9}' }],
      structuredContent: { prediction: 'positive', confidence: 0.9 },
    });
    expect(result).not.toHaveProperty('isError');
    expect(model.requests.map(({ body }) => body)).toEqual(['{"text":"hello"}']);
  });

  it('wraps an answer that is no object, as the schema in the list says', async () => {
    const { url, model } = await startTool({ output_schema: { type: 'array', items: { type: 'number' } } });
    model.always(json([0.25, 0.75]));
    const list = await ask(url, era, 'tools/list');
    expect(list.result?.tools?.[0]?.outputSchema).toEqual({
      type: 'object',
      properties: { result: { type: 'array', items: { type: 'number' } } },
      required: ['result'],
    });
    const answer = await ask(url, era, 'tools/call', call);
    expect(answer.result?.structuredContent).toEqual({ result: [0.25, 0.75] });
    expect(textOf(answer)).toBe('{"result":[0.25,0.75]}');
  });

  it('answers a bad input with an error whose text has code, detail and every pointer', async () => {
    const { url, model } = await startTool({
      input_schema: {
        type: 'object',
        properties: { text: { type: 'string' }, count: { type: 'integer' } },
        required: ['text'],
      },
    });
    const answer = await ask(url, era, 'tools/call', { name: toolName, arguments: { text: 1, count: 'x' } });
    expect(answer.result?.isError).toBe(true);
    expect(answer.result).not.toHaveProperty('structuredContent');
    expect(textOf(answer).split('\n')).toEqual([
      'invalid_input: /text must be a string, not a number; and 1 more fault',
      '- /text: must be a string, not a number',
      '- /count: must be an integer, not a string',
    ]);
    expect(model.requests).toHaveLength(0);
  });

  it('takes missing arguments for an empty object', async () => {
    const { url } = await startTool();
    expect(textOf(await ask(url, era, 'tools/call', { name: toolName }))).toContain(
      'must have the property "text"',
    );
  });

  it("passes the model's own error on as text, and says when to come again", async () => {
    const { url, model } = await startTool({ retry: { max_attempts: 1 } });
    model.always(json({ error: 'loading weights' }, { status: 503, headers: { 'retry-after': '7' } }));
    const answer = await ask(url, era, 'tools/call', call);
    expect(answer.result?.isError).toBe(true);
    expect(textOf(answer)).toMatch(/^[a-z_]+: .*loading weights.*\nTry again after 7 s\.$/s);
  });

  it('refuses a tool that is not there with a protocol error', async () => {
    const { url } = await startTool();
    for (const name of ['nothing', '../../etc/passwd', `${toolName}/../x`, '__proto__']) {
      const answer = await ask(url, era, 'tools/call', { name, arguments: {} });
      expect(answer.error).toEqual({ code: -32602, message: `Unknown tool: ${name}` });
    }
  });

  it('opens a stream within a second when the model is slow, tells of progress, and ends with the answer', async () => {
    const { url, model } = await startTool();
    model.always(delayed(1200, json({ prediction: 'late' })));
    const start = performance.now();
    const response = await send(url, era, 'tools/call', call, { meta: { progressToken: 'p' } });
    expect(performance.now() - start).toBeLessThan(1000);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const messages = await readMessages(response);
    expect(messages[0]).toMatchObject({
      method: 'notifications/progress',
      params: { progressToken: 'p', progress: 0.5, message: expect.any(String) },
    });
    expect(messages.at(-1)?.result?.structuredContent).toEqual({ prediction: 'late' });
  });

  it('keeps the stream awake with comments where no progress is asked for', async () => {
    const { url, model } = await startTool();
    model.always(delayed(700, json({ prediction: 'late' })));
    const text = await (await send(url, era, 'tools/call', call)).text();
    expect(text).toMatch(/^: still here\n\n/);
    expect(text.match(/^data: /gm)).toHaveLength(1);
  });

  it.each([
    ['before the stream', 0],
    ['in the middle of the stream', 1],
  ])('cancels the model when the caller leaves %s', async (_when, bytes) => {
    const { url, model, log } = await startTool();
    model.always(delayed(10_000, json({})));
    const leaving = new AbortController();
    const requested = model.requested();
    const aborted = model.aborted();
    const answer = send(url, era, 'tools/call', call, { signal: leaving.signal });
    const ended = answer.then((response) => response.text()).catch(() => 'gone');
    await requested;
    if (bytes > 0) await answer;
    leaving.abort();
    await aborted;
    expect(await ended).toBe('gone');
    await expect
      .poll(() => log.find(({ event }) => event === 'skill_invoked')?.fields)
      .toMatchObject({ source: 'mcp', code: 'cancelled' });
  });

  it('shares the cache with REST', async () => {
    const { url, model, post } = await startTool();
    await post({ text: 'hello' });
    await ask(url, era, 'tools/call', call);
    expect(model.requests).toHaveLength(1);
  });
});

describe('cancelling', () => {
  const start = (url: string) =>
    send(url, '2025-11-25', 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    });
  const cancel = (url: string, session: string) =>
    fetch(`${url}/mcp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-session-id': session,
      },
      body: '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}',
    });

  it("acts on the client's own message, in its session and in no other (2025-11-25)", async () => {
    const { url, model } = await startTool();
    model.always(delayed(10_000, json({})));
    const sessions = await Promise.all(
      [1, 2].map(async () => (await start(url)).headers.get('mcp-session-id') ?? ''),
    );
    const [mine = '', other = ''] = sessions;
    expect(mine).not.toBe(other);
    const aborted = model.aborted();
    const requested = model.requested();
    const answer = ask(url, '2025-11-25', 'tools/call', call, { id: 5, headers: { 'mcp-session-id': mine } });
    await requested;
    expect((await cancel(url, other)).status).toBe(202);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(model.requests[0]?.aborted).toBe(false);
    await cancel(url, mine);
    await aborted;
    expect(textOf(await answer)).toMatch(/^cancelled: /);
  });
});

describe('the trace of a call', () => {
  it('is the one that the request names in its _meta (2026-07-28)', async () => {
    const { url, model } = await startTool();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await ask(url, '2026-07-28', 'tools/call', call, { meta: { traceparent } });
    expect(model.requests[0]?.headers.traceparent).toBe(traceparent);
  });
});

describe('a slow call', () => {
  it('is followed while it runs', async () => {
    const { url, model } = await startTool();
    model.always(delayed(10_000, json({})));
    const response = await send(url, '2026-07-28', 'tools/call', call, { meta: { progressToken: 1 } });
    expect(await waitForMessage(response, 'notifications/progress')).toMatchObject({
      params: { progressToken: 1 },
    });
  });
});
