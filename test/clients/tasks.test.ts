import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect, it, onTestFinished } from 'vitest';
import { definitionOf, startApp } from '../app.ts';
import { after, json, startModelServer } from '../servers/model-server.ts';
import { clientFile } from './clients.ts';
import { connectFormer, type StreamedMessage } from './former-client.ts';

const name = 'local_model_predict';
const clientInfo = { name: 'test', version: '1' };
const clientCapabilities = { extensions: { 'io.modelcontextprotocol/tasks': {} } };

/** Starts a gateway with a skill whose model takes a second, and gives its MCP endpoint. */
async function startSlowGateway(): Promise<URL> {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(after(1000, json({ prediction: 'late', confidence: 1 })));
  const { url } = await startApp([definitionOf(model.url)]);
  return new URL(`${url}/mcp`);
}

it('the client of SDK 1 calls a tool as a task of 2025-11-25, and follows it to its result', async () => {
  const url = await startSlowGateway();
  const client = await connectFormer(url);
  const messages: StreamedMessage[] = [];
  const call = { name, arguments: { text: 'hello' } };
  const options = { task: { ttl: 60_000 } };
  for await (const message of client.experimental.tasks.callToolStream(call, undefined, options)) {
    messages.push(message);
  }
  expect(messages.slice(0, 2)).toMatchObject([
    { type: 'taskCreated', task: { status: 'working' } },
    { type: 'taskStatus' },
  ]);
  expect(messages.at(-1)).toMatchObject({
    type: 'result',
    result: { structuredContent: { prediction: 'late', confidence: 1 } },
  });
});

/** What is used here of the extension's own package, which the inspector brings along. */
interface TaskSession {
  callTool(name: string, input: object, options: object): Promise<{ settle(): Promise<Settlement> }>;
  close(): Promise<void>;
}

interface Settlement {
  readonly outcome: object;
  readonly lastTask?: { readonly status: string };
}

interface TasksPackage {
  createTaskSessionFromClient(client: Client, options: object): TaskSession;
  resultFromTaskOutcome(outcome: object): object;
  toolDeclarationFromMcpTool(tool: object): object;
}

/** Sends a request of 2026-07-28 as it is: the SDK's client takes no answer but a tool's result. */
function dispatchTo(url: URL) {
  return async (request: {
    readonly method: string;
    readonly params?: { readonly name?: string; readonly taskId?: string };
  }): Promise<unknown> => {
    const { name: tool, taskId } = request.params ?? {};
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': request.method,
        'mcp-name': tool ?? taskId ?? '',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...request }),
    });
    return response.json();
  };
}

it.each(['2025-11-25', '2026-07-28'])("the extension's own client settles a task of %s", async (revision) => {
  const url = await startSlowGateway();
  const isModern = revision === '2026-07-28';
  const client = new Client(clientInfo, {
    capabilities: isModern ? clientCapabilities : {},
    versionNegotiation: { mode: isModern ? { pin: revision } : 'legacy' },
  });
  onTestFinished(() => client.close());
  await client.connect(new StreamableHTTPClientTransport(url));
  const { tools } = await client.listTools();
  const path = clientFile('@modelcontextprotocol/ext-tasks/dist/client/index.js');
  const tasks: TasksPackage = await import(path);
  const session = tasks.createTaskSessionFromClient(client, {
    endpointId: 'test',
    ...(isModern && {
      rawDispatch: dispatchTo(url),
      v2RequestFraming: { protocolVersion: revision, clientInfo, clientCapabilities },
    }),
  });
  onTestFinished(() => session.close());
  const options = {
    declaration: tools.map(tasks.toolDeclarationFromMcpTool).at(0),
    task: { preference: 'require' },
  };
  const execution = await session.callTool(name, { text: 'hello' }, options);
  const { outcome, lastTask } = await execution.settle();
  expect(lastTask).toMatchObject({ status: 'completed' });
  expect(tasks.resultFromTaskOutcome(outcome)).toMatchObject({
    structuredContent: { prediction: 'late', confidence: 1 },
  });
});
