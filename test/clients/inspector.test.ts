import { describe, expect, it } from 'vitest';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { clientFile, run } from './clients.ts';
import { startLanguageGateway } from './language-skill.ts';

const program = clientFile('@modelcontextprotocol/inspector/clients/launcher/build/index.js');

const eras = ['legacy', 'modern'] as const;

describe.each(eras)('the MCP Inspector, of the %s era', (era) => {
  const inspect = (url: string, ...args: string[]) =>
    run(process.execPath, [
      program,
      '--cli',
      `${url}/mcp`,
      '--transport',
      'http',
      '--protocol-era',
      era,
      ...args,
    ]);

  it('lists the tools, and finds nothing to object to in strict mode', async () => {
    const { url } = await startLanguageGateway();
    const { code, stdout, stderr } = await inspect(url, '--method', 'tools/list', '--strict');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      tools: [{ name: 'detect_language', title: 'Detect language', inputSchema: { type: 'object' } }],
    });
  });

  it('calls a tool with a key', async () => {
    const ann = createApiKey('ann');
    const { url } = await startLanguageGateway({ AUTH_API_KEYS: ann.entry });
    const call = ['--method', 'tools/call', '--tool-name', 'detect_language', '--tool-arg', 'text=Bonjour'];
    const { code, stdout } = await inspect(url, ...call, '--header', `Authorization: Bearer ${ann.key}`);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      structuredContent: { prediction: 'fr', confidence: 0.99 },
      content: [{ type: 'text', text: '{"prediction":"fr","confidence":0.99}' }],
    });
    expect(await inspect(url, ...call)).toMatchObject({ code: expect.any(Number), stdout: '' });
  });

  it('shows what is wrong with an input', async () => {
    const { url } = await startLanguageGateway();
    const { stdout } = await inspect(
      url,
      '--method',
      'tools/call',
      '--tool-name',
      'detect_language',
      '--tool-arg',
      'txt=a',
    );
    expect(JSON.parse(stdout)).toMatchObject({
      isError: true,
      content: [{ type: 'text', text: expect.stringContaining('invalid_input') }],
    });
  });
});
