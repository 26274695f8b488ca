import { join } from 'node:path';
import { Client, type ClientOptions, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionOf, writeDefinition } from '../app.ts';
import { after as delayed, json } from '../servers/model-server.ts';
import { skillsFolder } from '../skills/fixtures.ts';
import { type Era, eras, startModel, startTool, toolName } from './message.ts';

const main = join(import.meta.dirname, '../../src/main.ts');
const call = { name: toolName, arguments: { text: 'hello' } };

async function connect(
  transport: StreamableHTTPClientTransport | StdioClientTransport,
  era: Era,
  options: ClientOptions = {},
): Promise<Client> {
  const mode = era === '2026-07-28' ? { pin: era } : 'legacy';
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode }, ...options });
  onTestFinished(() => client.close());
  await client.connect(transport);
  expect(client.getNegotiatedProtocolVersion()).toBe(era);
  return client;
}

function overHttp(url: string, era: Era, options?: ClientOptions): Promise<Client> {
  return connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`)), era, options);
}

function overStdio(skillsDir: string, era: Era, options?: ClientOptions): Promise<Client> {
  const env = { SKILLS_DIR: skillsDir, LOG_LEVEL: 'silent' };
  const transport = new StdioClientTransport({ command: process.execPath, args: [main, 'mcp'], env });
  return connect(transport, era, options);
}

/** Options that resolve `changed` with the names of the tools when the server says that they have changed. */
function listenForChanges() {
  const changed = Promise.withResolvers<readonly string[]>();
  const options: ClientOptions = {
    listChanged: {
      tools: { onChanged: (_error, tools) => changed.resolve((tools ?? []).map(({ name }) => name)) },
    },
  };
  return { options, changed: changed.promise };
}

describe.each(eras)("the official SDK's client of %s", (era) => {
  it('lists and calls tools over HTTP, and sees its own check of the output pass', async () => {
    const { url } = await startTool();
    const client = await overHttp(url, era);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([toolName]);
    expect(await client.callTool(call)).toMatchObject({
      structuredContent: { prediction: 'positive', confidence: 0.9 },
    });
    expect(await client.callTool({ name: toolName, arguments: {} })).toMatchObject({ isError: true });
    await expect(client.callTool({ name: 'nothing' })).rejects.toThrow('Unknown tool: nothing');
  });

  it('is told of progress', async () => {
    const { url, model } = await startTool();
    model.always(delayed(800, json({ prediction: 'late' })));
    const client = await overHttp(url, era);
    const seen: number[] = [];
    const answer = await client.callTool(call, {
      onprogress: ({ progress }) => void seen.push(progress),
    });
    expect(answer.structuredContent).toEqual({ prediction: 'late' });
    expect(seen.length).toBeGreaterThan(0);
  });

  it('cancels the model when it gives a call up', async () => {
    const { url, model } = await startTool();
    model.always(delayed(10_000, json({})));
    const client = await overHttp(url, era);
    const [requested, aborted] = [model.requested(), model.aborted()];
    const givingUp = new AbortController();
    const answer = client.callTool(call, { signal: givingUp.signal });
    await requested;
    givingUp.abort();
    await expect(answer).rejects.toThrow();
    await aborted;
  });

  it('hears of a change of the skills over HTTP', async () => {
    const { url, skillsDir } = await startTool();
    const { options, changed } = listenForChanges();
    await overHttp(url, era, options);
    await writeDefinition(skillsDir, definitionOf('http://127.0.0.1:9', { name: 'new_skill' }));
    expect(await changed).toEqual([toolName, 'new_skill']);
  });

  it('has the same over standard input and output: tools, calls, errors, cancelling, changes', async () => {
    const model = await startModel();
    const skillsDir = await skillsFolder({});
    await writeDefinition(skillsDir, definitionOf(model.url));
    const { options, changed } = listenForChanges();
    const client = await overStdio(skillsDir, era, options);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual([toolName]);
    expect(await client.callTool(call)).toMatchObject({
      structuredContent: { prediction: 'positive', confidence: 0.9 },
    });
    expect(await client.callTool({ name: toolName, arguments: {} })).toMatchObject({ isError: true });

    model.always(delayed(10_000, json({})));
    const [requested, aborted] = [model.requested(), model.aborted()];
    const givingUp = new AbortController();
    const answer = client.callTool(
      { name: toolName, arguments: { text: 'slow' } },
      { signal: givingUp.signal },
    );
    await requested;
    givingUp.abort();
    await expect(answer).rejects.toThrow();
    await aborted;

    await writeDefinition(skillsDir, definitionOf(model.url, { name: 'new_skill' }));
    expect(await changed).toEqual([toolName, 'new_skill']);
  });
});
