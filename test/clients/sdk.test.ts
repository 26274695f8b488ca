import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { expect, it, onTestFinished } from 'vitest';
import { connectFormer, type FormerClient } from './former-client.ts';
import { startLanguageGateway } from './language-skill.ts';

type ToolClient = Pick<FormerClient, 'listTools' | 'callTool'>;

async function connectLatter(url: URL): Promise<ToolClient> {
  const client = new Client(
    { name: 'test', version: '1' },
    { versionNegotiation: { mode: { pin: '2026-07-28' } } },
  );
  onTestFinished(() => client.close());
  await client.connect(new StreamableHTTPClientTransport(url));
  expect(client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
  return {
    listTools: () => client.listTools(),
    callTool: ({ name, arguments: input }) => client.callTool({ name, arguments: { ...input } }),
  };
}

it.each([
  ['1, of 2025-11-25', connectFormer],
  ['2, of 2026-07-28', connectLatter],
])('the client of SDK %s lists the tools, calls one, and is told of a wrong input', async (_sdk, connect) => {
  const { url } = await startLanguageGateway();
  const client = await connect(new URL(`${url}/mcp`));
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
