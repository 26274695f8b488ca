import { request as openRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { after as delayed, json } from '../servers/model-server.ts';
import { ask, eras, type Message, plainHeaders, send, startTool, textOf, toolName } from './message.ts';

const call = { name: toolName, arguments: { text: 'hello' } };

function post(url: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/mcp`, { method: 'POST', headers: { ...plainHeaders, ...headers }, body });
}

/** Opens a stream as a client of either era does. Gives how to cut it off. */
function openStream(url: string, index: number): Promise<() => void> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const params = { notifications: { toolsListChanged: true }, _meta };
  const [method, headers, body] =
    index % 2 === 0
      ? ['GET', { accept: 'text/event-stream' }, '']
      : [
          'POST',
          { ...plainHeaders, 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
          JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params }),
        ];
  return new Promise((resolve, reject) => {
    const request = openRequest(`${url}/mcp`, { method, headers, agent: false }, (response) => {
      expect(response.headers['content-type']).toBe('text/event-stream');
      response.once('data', () => resolve(() => request.destroy())).on('error', () => undefined);
    });
    request.once('error', reject).end(body);
  });
}

/** What came back, and proof that the gateway goes on serving. */
async function refusal(url: string, response: Response) {
  const text = await response.text();
  expect((await ask(url, '2026-07-28', 'tools/call', call)).result?.isError).toBeUndefined();
  const data = /^data: (.*)$/m.exec(text)?.[1] ?? text;
  const message: Message = JSON.parse(data);
  return { status: response.status, code: message.error?.code, id: message.id };
}

describe('a message that is none', () => {
  const batch = JSON.stringify(
    Array.from({ length: 10_000 }, (_, id) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: call })),
  );
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;

  it.each([
    ['broken JSON', '{"jsonrpc": ', 400, -32700],
    ['an empty body', '', 400, -32700],
    ['a number', '5', 400, -32600],
    ['null', 'null', 400, -32600],
    ['no version', '{"id":1,"method":"tools/list"}', 400, -32600],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"tools/list"}', 400, -32600],
    ['no method', '{"jsonrpc":"2.0","id":1}', 400, -32600],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"tools/list"}', 400, -32600],
    ['a batch of 10,000', batch, 400, -32600],
    ['100,000-deep nesting', deep, 400, -32600],
  ])('is refused: %s', async (_what, body, status, code) => {
    const { url, model } = await startTool();
    expect(await refusal(url, await post(url, body))).toMatchObject({ status, code });
    expect(model.requests).toHaveLength(1);
  });

  it('is refused when it says that it is not JSON', async () => {
    const { url } = await startTool();
    const body = '{"jsonrpc":"2.0","id":1,"method":"tools/list"}';
    expect((await post(url, body, { 'content-type': 'text/plain' })).status).toBe(415);
  });

  it('is refused past BODY_LIMIT_BYTES', async () => {
    const { url } = await startTool({}, { BODY_LIMIT_BYTES: '1000' });
    expect((await post(url, `"${'x'.repeat(1000)}"`)).status).toBe(413);
  });
});

describe.each(eras)('a request of %s', (era) => {
  it('for a method that is not there is refused', async () => {
    const { url } = await startTool();
    const response = await send(url, era, 'tools/destroy');
    expect(await refusal(url, response)).toMatchObject({ code: -32601, id: 1 });
    expect(response.status).toBe(era === '2026-07-28' ? 404 : 200);
  });

  it.each([
    ['a list', [1]],
    ['a text', 'hello'],
    ['null', null],
  ])('with arguments that are %s is refused', async (_what, args) => {
    const { url, model } = await startTool();
    const response = await send(url, era, 'tools/call', { name: toolName, arguments: args });
    expect(await refusal(url, response)).toMatchObject({ code: -32602, id: 1 });
    expect(model.requests).toHaveLength(1);
  });

  it('with a name that is no text is refused', async () => {
    const { url } = await startTool();
    const response = await send(url, era, 'tools/call', { name: 5 }, { headers: { 'mcp-name': '5' } });
    expect(await refusal(url, response)).toMatchObject({ code: -32602, id: 1 });
  });

  it('with arguments that no schema can refuse is answered with an error', async () => {
    const { url, model } = await startTool();
    for (const text of [
      `{"text":"x","__proto__":{"admin":true}}`,
      `{"text":"x","more":${'['.repeat(5000)}1${']'.repeat(5000)}}`,
    ]) {
      const input: unknown = JSON.parse(text);
      const answer = await ask(url, era, 'tools/call', { name: toolName, arguments: input });
      expect(textOf(answer)).toMatch(/^invalid_input: /);
    }
    expect(model.requests).toHaveLength(0);
  });
});

describe('the headers of 2026-07-28', () => {
  it.each([
    ['Mcp-Method that says something else', { 'mcp-method': 'tools/list' }, -32020],
    ['Mcp-Name that says something else', { 'mcp-name': 'other' }, -32020],
    ['a protocol version that the body does not have', { 'mcp-protocol-version': '2025-11-25' }, -32020],
  ])('are refused: %s', async (_what, headers, code) => {
    const { url, model } = await startTool();
    const response = await send(url, '2026-07-28', 'tools/call', call, { headers });
    expect(await refusal(url, response)).toEqual({ status: 400, code, id: 1 });
    expect(model.requests).toHaveLength(1);
  });

  it.each(['mcp-method', 'mcp-name', 'mcp-protocol-version'])('have to have %s', async (missing) => {
    const { url } = await startTool();
    const headers: Record<string, string> = {
      ...plainHeaders,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': toolName,
    };
    delete headers[missing];
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { ...call, _meta } });
    const response = await fetch(`${url}/mcp`, { method: 'POST', headers, body });
    expect(await refusal(url, response)).toEqual({ status: 400, code: -32020, id: 1 });
  });

  it('name the revisions that there are to whoever asks for another', async () => {
    const { url } = await startTool();
    const later = {
      headers: { 'mcp-protocol-version': '2099-01-01' },
      meta: { 'io.modelcontextprotocol/protocolVersion': '2099-01-01' },
    };
    const response = await send(url, '2026-07-28', 'tools/call', call, later);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      error: { code: -32022, data: { supported: ['2026-07-28'], requested: '2099-01-01' } },
    });
  });

  it('may have the name in base64', async () => {
    const { url } = await startTool();
    const name = `=?base64?${Buffer.from(toolName).toString('base64')}?=`;
    const answer = await ask(url, '2026-07-28', 'tools/call', call, { headers: { 'mcp-name': name } });
    expect(answer.result?.structuredContent).toEqual({ prediction: 'positive', confidence: 0.9 });
  });
});

describe('a client of 2025-11-25', () => {
  it('with a version that never was is refused', async () => {
    const { url } = await startTool();
    const response = await send(
      url,
      '2025-11-25',
      'tools/list',
      {},
      { headers: { 'mcp-protocol-version': '1.0' } },
    );
    expect(response.status).toBe(400);
  });

  it('that does not take event streams is refused', async () => {
    const { url } = await startTool();
    const response = await send(
      url,
      '2025-11-25',
      'tools/list',
      {},
      { headers: { accept: 'application/json' } },
    );
    expect(response.status).toBe(406);
  });
});

describe('a client that leaves', () => {
  it('while it sends leaves nothing behind', async () => {
    const { url, model } = await startTool();
    const request = openRequest(`${url}/mcp`, {
      method: 'POST',
      headers: { ...plainHeaders, 'content-length': 1000 },
    });
    const closed = new Promise((resolve) => request.once('close', resolve));
    request.on('error', () => undefined);
    request.write('{"jsonrpc":');
    await new Promise((resolve) => setTimeout(resolve, 20));
    request.destroy();
    await closed;
    expect((await ask(url, '2026-07-28', 'tools/call', call)).result?.isError).toBeUndefined();
    expect(model.requests).toHaveLength(1);
  });

  it('opens streams and goes, a hundred times, and the gateway stays well', async () => {
    const { url, app } = await startTool();
    const leaving = await Promise.all(Array.from({ length: 100 }, (_, index) => openStream(url, index)));
    for (const leave of leaving) leave();
    const connections = () =>
      new Promise<number>((resolve) => app.http.server.getConnections((_error, count) => resolve(count)));
    await expect.poll(connections).toBe(0);
    expect((await ask(url, '2025-11-25', 'tools/call', call)).result?.isError).toBeUndefined();
  });

  it('of an SDK exchange cancels the model too', async () => {
    const { url, model } = await startTool();
    model.always(delayed(10_000, json({})));
    const leaving = new AbortController();
    const requested = model.requested();
    const aborted = model.aborted();
    const answer = send(url, '2026-07-28', 'tools/call', call, {
      headers: { accept: '*/*' },
      signal: leaving.signal,
    });
    await requested;
    leaving.abort();
    await expect(answer).rejects.toThrow();
    await aborted;
  });
});
