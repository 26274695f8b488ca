import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readJson } from '../app.ts';
import { after as delayed, json } from '../servers/model-server.ts';
import { ask, type Era, eras, send, startTool, textOf, toolName, waitForMessage } from './message.ts';
import { askWithTasks, beginTask, call, endedTask, sendWithTasks } from './tasks.ts';

const slowly = delayed(600, json({ prediction: 'late' }));
const digest = (key: string) => createHash('sha256').update(key).digest('hex');
const keys = { AUTH_API_KEYS: `one:${digest('first')},two:${digest('second')}` };
const as = (key: string) => ({ headers: { authorization: `Bearer ${key}` } });
const nobodys = '01a1f82b-533e-71bb-a59f-b16bfe32afc3';

/** Starts a gateway whose model never answers. */
async function startSilentTool(env: Readonly<Record<string, string>> = {}) {
  const tool = await startTool({}, env);
  tool.model.always(delayed(60_000, json({ prediction: 'never' })));
  return tool;
}

/** The result that a task ended with, wherever the era has it. */
async function resultOf(url: string, era: Era, taskId: unknown) {
  const task = await endedTask(url, era, taskId);
  return era === '2026-07-28'
    ? { task, message: { result: Object(task?.result) } }
    : { task, message: await ask(url, era, 'tasks/result', { taskId }) };
}

describe.each(eras)('tasks of %s', (era) => {
  it('are jobs, from the first word to the last, and end with what the call would have answered', async () => {
    const { url, model, app } = await startTool();
    model.always(slowly);
    const begun = await beginTask(url, era);
    expect(begun).toMatchObject({
      taskId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      status: 'working',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      lastUpdatedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      ...(era === '2026-07-28'
        ? { resultType: 'task', ttlMs: expect.any(Number), pollIntervalMs: 1000 }
        : { ttl: expect.any(Number), pollInterval: 1000 }),
    });
    const job = await readJson<{ skill: string; id: string }>(fetch(`${url}/jobs/${begun?.taskId}`));
    expect(job).toMatchObject({ id: begun?.taskId, skill: toolName });
    const { task, message } = await resultOf(url, era, begun?.taskId);
    expect(task).toMatchObject({ taskId: begun?.taskId, status: 'completed' });
    expect(message.result).toMatchObject({
      content: [{ type: 'text', text: '{"prediction":"late"}' }],
      structuredContent: { prediction: 'late' },
    });
    expect(model.requests.map(({ body }) => body)).toEqual(['{"text":"hello"}']);
    expect((await app.jobs.backend.counts()).succeeded).toBe(1);
  });

  it('stay for as long as they say', async () => {
    const { url, model } = await startTool({}, { JOB_RESULT_TTL_MS: '30000' });
    model.always(slowly);
    const begun = await beginTask(url, era);
    const task = await endedTask(url, era, begun?.taskId);
    const ttl = era === '2026-07-28' ? task?.ttlMs : task?.ttl;
    const tookMs = Date.parse(String(task?.lastUpdatedAt)) - Date.parse(String(task?.createdAt));
    expect(ttl).toBe(30_000 + tookMs);
    expect(tookMs).toBeGreaterThan(500);
  });

  it("tell of the model's error as the call would have", async () => {
    const { url, model } = await startTool();
    model.always(delayed(600, json({ error: 'no such word' }, { status: 400 })));
    const begun = await beginTask(url, era);
    const { task, message } = await resultOf(url, era, begun?.taskId);
    expect(task).toMatchObject({
      status: era === '2026-07-28' ? 'completed' : 'failed',
      statusMessage: expect.stringContaining('no such word'),
    });
    expect(message.result?.isError).toBe(true);
    expect(textOf(message)).toMatch(/^upstream_error: .*no such word/);
  });

  it('call the model off when they are cancelled', async () => {
    const { url, model } = await startSilentTool();
    const begun = await beginTask(url, era);
    await expect.poll(() => model.requests.length).toBe(1);
    const answer = await askWithTasks(url, era, 'tasks/cancel', { taskId: begun?.taskId });
    expect(answer.error).toBeUndefined();
    const task = await endedTask(url, era, begun?.taskId);
    expect(task).toMatchObject({ status: 'cancelled', statusMessage: 'It was cancelled on request.' });
    await expect.poll(() => model.requests[0]?.aborted).toBe(true);
  });

  it.each(['tasks/get', 'tasks/cancel', 'tasks/result', 'tasks/update'])(
    'that are not there, or are others’, are unknown to %s',
    async (method) => {
      const isThere = method !== (era === '2026-07-28' ? 'tasks/result' : 'tasks/update');
      const { url } = await startSilentTool(keys);
      const begun = await beginTask(url, era, as('first'));
      for (const taskId of [nobodys, begun?.taskId, '', '../x', `${nobodys}'--`]) {
        const params = { taskId, inputResponses: {} };
        const { error } = await askWithTasks(url, era, method, params, as('second'));
        expect(error?.code).toBe(isThere ? -32602 : -32601);
        if (isThere) expect(error?.message).toBe(`job_not_found: There is no job ${taskId}.`);
      }
      const own = await askWithTasks(url, era, 'tasks/get', { taskId: begun?.taskId }, as('first'));
      expect(own.result?.status).toBe('working');
    },
  );

  it.each([{}, { taskId: 7 }, { taskId: null }, { taskId: ['a'] }])(
    'are not asked for by the parameters %j',
    async (params) => {
      const { url } = await startTool();
      for (const method of ['tasks/get', 'tasks/cancel']) {
        const { error } = await askWithTasks(url, era, method, params);
        expect(error).toMatchObject({ code: -32602, message: expect.stringContaining(method) });
      }
    },
  );

  it('fail by the protocol’s own error where the tool is gone when they end', async () => {
    const { url, model, skillsDir } = await startTool();
    model.always(slowly);
    const begun = await beginTask(url, era);
    await rm(join(skillsDir, `${toolName}.json`));
    await expect.poll(async () => (await ask(url, era, 'tools/list')).result?.tools).toEqual([]);
    const task = await endedTask(url, era, begun?.taskId);
    const error = { code: -32602, message: `Unknown tool: ${toolName}` };
    if (era === '2026-07-28') expect(task).toMatchObject({ status: 'failed', error });
    else expect((await ask(url, era, 'tasks/result', { taskId: begun?.taskId })).error).toEqual(error);
  });
});

describe('tasks of 2026-07-28', () => {
  const era = '2026-07-28';

  it('are declared as an extension', async () => {
    const { url } = await startTool();
    const { result } = await askWithTasks(url, era, 'server/discover');
    expect(result?.capabilities).toEqual({
      tools: { listChanged: true },
      extensions: { 'io.modelcontextprotocol/tasks': {} },
    });
  });

  it('are only made of slow calls: others are answered at once', async () => {
    const { url, app } = await startTool();
    const { result } = await askWithTasks(url, era, 'tools/call', call);
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { prediction: 'positive' } });
    expect(result).not.toHaveProperty('taskId');
    const bad = await askWithTasks(url, era, 'tools/call', { name: toolName, arguments: {} });
    expect(bad.result).toMatchObject({ resultType: 'complete', isError: true });
    expect(textOf(bad)).toMatch(/^invalid_input: /);
    expect(await app.jobs.backend.counts()).toMatchObject({ succeeded: 1, failed: 0, queued: 0 });
  });

  it('are kept from clients that do not declare them', async () => {
    const { url, model } = await startTool();
    model.always(slowly);
    const begun = await beginTask(url, era);
    const { result } = await ask(url, era, 'tools/call', { ...call, task: { ttl: 1 } });
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { prediction: 'late' } });
    const { taskId } = begun ?? {};
    for (const [method, params] of [
      ['tasks/get', { taskId }],
      ['tasks/update', { taskId, inputResponses: {} }],
      ['tasks/cancel', { taskId }],
      ['subscriptions/listen', { notifications: { taskIds: [taskId] } }],
    ] as const) {
      const response = await send(url, era, method, params);
      expect(response.status).toBe(400);
      expect(await readJson(response)).toMatchObject({
        error: {
          code: -32021,
          data: { requiredCapabilities: { extensions: { 'io.modelcontextprotocol/tasks': {} } } },
        },
      });
    }
  });

  it('send no news: a subscription to them is acknowledged without their ids', async () => {
    const { url } = await startSilentTool();
    const begun = await beginTask(url, era);
    const params = { notifications: { taskIds: [begun?.taskId] } };
    const news = await sendWithTasks(url, era, 'subscriptions/listen', params);
    const acknowledged = await waitForMessage(news, 'notifications/subscriptions/acknowledged');
    expect(acknowledged.params?.notifications).toEqual({});
  });

  it('end without a word of their own: cancelled twice, or answered without having asked', async () => {
    const { url } = await startSilentTool();
    const begun = await beginTask(url, era);
    const { taskId } = begun ?? {};
    for (const method of ['tasks/update', 'tasks/cancel', 'tasks/cancel']) {
      const { result } = await askWithTasks(url, era, method, { taskId, inputResponses: { x: {} } });
      expect(result).toEqual({ resultType: 'complete', _meta: expect.anything() });
    }
  });

  it('are not answered by what is no answer', async () => {
    const { url } = await startSilentTool();
    const begun = await beginTask(url, era);
    const { error } = await askWithTasks(url, era, 'tasks/update', { taskId: begun?.taskId });
    expect(error).toEqual({ code: -32602, message: 'tasks/update needs inputResponses' });
  });

  it('name their task in a header as well', async () => {
    const { url } = await startSilentTool();
    const begun = await beginTask(url, era);
    const headers = { 'mcp-name': nobodys };
    const { error } = await askWithTasks(url, era, 'tasks/get', { taskId: begun?.taskId }, { headers });
    expect(error?.code).toBe(-32020);
  });

  it('are not left behind by a client that is gone before it knows of them', async () => {
    const { url, model, app } = await startSilentTool();
    const leaving = new AbortController();
    const request = sendWithTasks(url, era, 'tools/call', call, { signal: leaving.signal });
    await expect.poll(() => model.requests.length).toBe(1);
    leaving.abort();
    await expect(request).rejects.toThrow('abort');
    await expect.poll(async () => (await app.jobs.backend.counts()).cancelled).toBe(1);
    await expect.poll(() => model.requests[0]?.aborted).toBe(true);
  });

  it('make room for a plain call where no more jobs can wait', async () => {
    const { url, model, post } = await startTool({}, { JOB_QUEUE_MAX: '1', JOB_CONCURRENCY: '0' });
    expect((await post({ text: 'waits' }, { path: `/skills/${toolName}/jobs` })).status).toBe(202);
    const { result } = await askWithTasks(url, era, 'tools/call', call);
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { prediction: 'positive' } });
    expect(model.requests).toHaveLength(1);
  });
});

describe('tasks of 2025-11-25', () => {
  const era = '2025-11-25';
  const initialize = (protocolVersion: string) => ({
    protocolVersion,
    capabilities: {},
    clientInfo: { name: 'test', version: '1' },
  });

  it('are declared with their methods, and listed where callers have names', async () => {
    const { url } = await startTool();
    const open = await ask(url, era, 'initialize', initialize(era));
    expect(open.result?.capabilities).toMatchObject({
      tasks: { cancel: {}, requests: { tools: { call: {} } } },
    });
    expect(open.result?.capabilities).not.toHaveProperty('tasks.list');
    expect((await ask(url, era, 'tasks/list')).error?.code).toBe(-32601);
    const named = await startTool({}, keys);
    const closed = await ask(named.url, era, 'initialize', initialize(era), as('first'));
    expect(closed.result?.capabilities).toHaveProperty('tasks.list', {});
  });

  it('are not declared to clients of the revisions before', async () => {
    const { url } = await startTool();
    const list = await ask(url, era, 'tools/list');
    expect(list.result?.tools?.[0]?.execution).toEqual({ taskSupport: 'optional' });
    const headers = { 'mcp-protocol-version': '2025-06-18' };
    const older = await ask(url, era, 'tools/list', {}, { headers });
    expect(older.result?.tools?.[0]).not.toHaveProperty('execution');
    const { result } = await ask(url, era, 'initialize', initialize('2025-06-18'), { headers });
    expect(result?.capabilities).toEqual({ tools: { listChanged: true } });
    const plain = await ask(url, era, 'tools/call', { ...call, task: {} }, { headers });
    expect(plain.result).toHaveProperty('structuredContent');
    expect((await ask(url, era, 'tasks/get', { taskId: nobodys }, { headers })).error?.code).toBe(-32601);
  });

  it('are waited for by tasks/result, with progress, which says whose result it is', async () => {
    const { url, model } = await startTool();
    model.always(delayed(900, json({ prediction: 'late' })));
    const begun = await beginTask(url, era);
    const options = { meta: { progressToken: 'p' } };
    const response = await send(url, era, 'tasks/result', { taskId: begun?.taskId }, options);
    const text = await response.text();
    expect(text).toContain('"progressToken":"p"');
    expect(text).toContain(`"io.modelcontextprotocol/related-task":{"taskId":"${begun?.taskId}"}`);
    expect(text).toContain('"structuredContent":{"prediction":"late"}');
  });

  it('are no wait for who asks when the gateway stops', async () => {
    const { url, app, model } = await startSilentTool();
    const begun = await beginTask(url, era);
    await expect.poll(() => model.requests.length).toBe(1);
    const answer = ask(url, era, 'tasks/result', { taskId: begun?.taskId });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await app.close(1000);
    expect((await answer).error).toMatchObject({
      code: -32603,
      message: expect.stringMatching(/^overloaded: /),
    });
  });

  it('are refused as they are begun where the input is wrong, or the parameter', async () => {
    const { url } = await startTool();
    const wrong = await ask(url, era, 'tools/call', { name: toolName, arguments: {}, task: {} });
    expect(wrong.error).toEqual({
      code: -32602,
      message:
        'invalid_input: the input must have the property "text"\n- (the whole value): must have the property "text"',
    });
    for (const task of [7, 'yes', [], { ttl: 'long' }]) {
      const { error } = await ask(url, era, 'tools/call', { ...call, task });
      expect(error?.code).toBe(-32602);
    }
    const full = await startTool({}, { JOB_QUEUE_MAX: '1', JOB_CONCURRENCY: '0' });
    await beginTask(full.url, era);
    const late = await ask(full.url, era, 'tools/call', { ...call, task: {} });
    expect(late.error).toMatchObject({
      code: -32603,
      message: expect.stringMatching(/^overloaded: .*Try again/s),
    });
    const odd = await ask(url, era, 'tools/call', { ...call, task: {}, requestState: 'x' });
    expect(odd.error?.code).toBe(-32600);
  });

  it('cannot be cancelled once they have ended', async () => {
    const { url } = await startTool();
    const begun = await beginTask(url, era);
    const task = await endedTask(url, era, begun?.taskId);
    expect(task?.status).toBe('completed');
    const { error } = await ask(url, era, 'tasks/cancel', { taskId: begun?.taskId });
    expect(error).toEqual({ code: -32602, message: 'The task has ended already: it is completed' });
  });

  it('have a list in pages, of the caller alone', async () => {
    const { url } = await startTool({}, { ...keys, JOB_CONCURRENCY: '0' });
    await Promise.all(Array.from({ length: 101 }, () => beginTask(url, era, as('first'))));
    const { result } = await ask(url, era, 'tasks/list', {}, as('first'));
    expect(result?.tasks).toHaveLength(100);
    const rest = await ask(url, era, 'tasks/list', { cursor: result?.nextCursor }, as('first'));
    expect(rest.result?.tasks).toHaveLength(1);
    expect(rest.result).not.toHaveProperty('nextCursor');
    expect((await ask(url, era, 'tasks/list', {}, as('second'))).result?.tasks).toEqual([]);
    for (const cursor of ['x', '', 7]) {
      expect((await ask(url, era, 'tasks/list', { cursor }, as('first'))).error?.code).toBe(-32602);
    }
  });
});
