import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect, it, onTestFinished } from 'vitest';
import { clientFile } from './clients.ts';
import { startLanguageGateway } from './language-skill.ts';

/** What is used here of a client, once it is connected. */
interface ToolClient {
  listTools(): Promise<object>;
  callTool(call: { name: string; arguments: object }): Promise<object>;
  close(): Promise<void>;
}

/** The client of SDK 1, whose newest revision is 2025-11-25. */
interface FormerClient extends ToolClient {
  connect(transport: object): Promise<void>;
}

/** SDK 1 is no dependency of this package: what was installed is loaded from where it lies. */
async function connectFormer(url: URL): Promise<ToolClient> {
  const folder = clientFile('@modelcontextprotocol/sdk/dist/esm/client');
  const { Client: Former }: { Client: new (info: object) => FormerClient } = await import(
    `${folder}/index.js`
  );
  const {
    StreamableHTTPClientTransport: Transport,
  }: { StreamableHTTPClientTransport: new (url: URL) => object } = await import(
    `${folder}/streamableHttp.js`
  );
  const client = new Former({ name: 'test', version: '1' });
  await client.connect(new Transport(url));
  return client;
}

async function connectLatter(url: URL): Promise<ToolClient> {
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  await client.connect(new StreamableHTTPClientTransport(url));
  expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
  return {
    listTools: () => client.listTools(),
    callTool: ({ name, arguments: input }) => client.callTool({ name, arguments: { ...input } }),
    close: () => client.close(),
  };
}

it.each([
  ['1, of 2025-11-25', connectFormer],
  ['2, of 2026-07-28', connectLatter],
])('the client of SDK %s lists the tools, calls one, and is told of a wrong input', async (_sdk, connect) => {
  const { url } = await startLanguageGateway();
  const client = await connect(new URL(`${url}/mcp`));
  onTestFinished(() => client.close());
  expect(await client.listTools()).toMatchObject({ tools: [{ name: 'detect_language' }] });
  const call = (input: object) => client.callTool({ name: 'detect_language', arguments: input });
  expect(await call({ text: 'Bonjour' })).toMatchObject({
    structuredContent: { prediction: 'fr', confidence: 0.99 },
  });
  expect(await call({ txt: 'Bonjour' })).toMatchObject({
    isError: true,
    content: [{ type: 'text', text: expect.stringContaining('invalid_input') }],
  });
});
