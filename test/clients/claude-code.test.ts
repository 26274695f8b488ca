import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createApiKey } from '../../src/credentials/api-key.ts';
import { runCommand } from '../cli/stand-in-terminal.ts';
import { clientFile, emptyFolder, run } from './clients.ts';
import { startLanguageGateway } from './language-skill.ts';
import { type Block, type MessagesServer, resultBlocks, startMessagesServer } from './messages-server.ts';

const program = clientFile('@anthropic-ai/claude-code/bin/claude.exe');

/** Claude Code with a home of its own, and a scripted model. */
async function startClaude(turns: Parameters<typeof startMessagesServer>[0] = []) {
  const home = await emptyFolder();
  const model = await startMessagesServer(turns);
  onTestFinished(() => model.close());
  const env = {
    HOME: home,
    ANTHROPIC_BASE_URL: model.url,
    ANTHROPIC_API_KEY: 'dummy',
    ENABLE_TOOL_SEARCH: 'false',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  };
  const claude = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    run(program, args, { env: { ...env, ...more }, cwd: home, timeoutMs: 90_000 });
  return { home, model, claude };
}

const use = (name: string, input: object): Block => ({ type: 'tool_use', name, input });

function toolNames({ requests }: MessagesServer): readonly string[] {
  return requests[0]?.tools?.map(({ name }) => name) ?? [];
}

describe('Claude Code', () => {
  it('adds the gateway with its key, lists it as connected, and says so where the key is wrong', async () => {
    const ann = createApiKey('ann');
    const { url } = await startLanguageGateway({ AUTH_API_KEYS: ann.entry });
    const { claude } = await startClaude();
    const add = (name: string, key: string) =>
      claude([
        'mcp',
        'add',
        '--transport',
        'http',
        name,
        `${url}/mcp`,
        '--header',
        `Authorization: Bearer ${key}`,
      ]);
    expect(await add('skillgate', ann.key)).toMatchObject({ code: 0 });
    expect(await add('stranger', 'not-a-key')).toMatchObject({ code: 0 });
    const { stdout } = await claude(['mcp', 'list']);
    expect(stdout).toMatch(/^skillgate: .*✔ Connected/m);
    expect(stdout).toMatch(/^stranger: .*(✘|!)/m);
  });

  it("calls a skill, and gets the model's answer", async () => {
    const { url } = await startLanguageGateway();
    const { home, model, claude } = await startClaude([
      () => use('mcp__skillgate__detect_language', { text: 'Bonjour tout le monde' }),
      (result) => ({ type: 'text', text: `It said: ${result}` }),
    ]);
    const config = join(home, 'mcp.json');
    await writeFile(config, mcpConfig(url));
    const { code, stdout, stderr } = await claude(promptWith(config));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      is_error: false,
      result: 'It said: {"prediction":"fr","confidence":0.99}',
    });
    expect(toolNames(model)).toContain('mcp__skillgate__detect_language');
  });

  it("corrects a wrong first input by the error's text", async () => {
    const { url } = await startLanguageGateway();
    const { home, model, claude } = await startClaude([
      () => use('mcp__skillgate__detect_language', { txt: 'Bonjour' }),
      // All that a model has to go by is the text: it says which property was meant.
      (result) => {
        const [, meant = 'nothing'] = /is not a known property; did you mean "(\w+)"/.exec(result) ?? [];
        return use('mcp__skillgate__detect_language', { [meant]: 'Bonjour' });
      },
      (result) => ({ type: 'text', text: result }),
    ]);
    const config = join(home, 'mcp.json');
    await writeFile(config, mcpConfig(url));
    const { stdout } = await claude(promptWith(config));
    const results = resultBlocks(model.requests.at(-1)?.messages ?? []);
    expect(results.map(({ is_error }) => is_error === true)).toEqual([true, false]);
    expect(JSON.parse(stdout)).toMatchObject({ result: '{"prediction":"fr","confidence":0.99}' });
  });

  it('loads an exported plugin: its MCP server, and its skill, whose script runs', async () => {
    const { url, skillsDir } = await startLanguageGateway();
    const { home, model, claude } = await startClaude([
      () => use('Skill', { skill: 'skillgate:detect-language' }),
      () =>
        use('Bash', {
          command: `sh ${join(home, 'plugin/skills/detect-language/scripts/call.sh')} '{"text":"Bonjour"}'`,
          description: 'Call the skill',
        }),
      (result) => ({ type: 'text', text: result }),
    ]);
    const plugin = join(home, 'plugin');
    await exportPlugin(skillsDir, url, plugin);
    expect(await claude(['plugin', 'validate', plugin])).toMatchObject({ code: 0 });

    const { stdout, stderr } = await claude([
      '-p',
      'Which language is this: Bonjour',
      '--plugin-dir',
      plugin,
      '--allowedTools',
      'Skill,Bash(sh *)',
      '--output-format',
      'json',
    ]);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({
      is_error: false,
      result: expect.stringContaining('"prediction":"fr"'),
    });
    expect(toolNames(model)).toContain('mcp__plugin_skillgate_skillgate__detect_language');
    const instructions = JSON.stringify(model.requests[1]?.messages);
    expect(instructions).toContain('Run `scripts/call.sh` in this skill');
  });

  it('installs an exported plugin from its folder', async () => {
    const { url, skillsDir } = await startLanguageGateway();
    const { home, claude } = await startClaude();
    const plugin = join(home, 'plugin');
    await exportPlugin(skillsDir, url, plugin);
    expect(await claude(['plugin', 'marketplace', 'add', plugin])).toMatchObject({ code: 0 });
    expect(await claude(['plugin', 'install', 'skillgate@skillgate'])).toMatchObject({ code: 0 });
    expect((await claude(['mcp', 'list'])).stdout).toMatch(/^plugin:skillgate:skillgate: .*✔ Connected/m);
  });
});

async function exportPlugin(skillsDir: string, url: string, output: string): Promise<void> {
  const command = ['export', '--all', '--format', 'plugin', '--url', url, '-o', output];
  expect(await runCommand(command, { env: { SKILLS_DIR: skillsDir } })).toMatchObject({ exitCode: 0 });
}

function mcpConfig(url: string): string {
  return JSON.stringify({ mcpServers: { skillgate: { type: 'http', url: `${url}/mcp` } } });
}

function promptWith(config: string): string[] {
  return [
    '-p',
    'Which language is this: Bonjour tout le monde',
    '--mcp-config',
    config,
    '--strict-mcp-config',
    '--allowedTools',
    'mcp__skillgate',
    '--output-format',
    'json',
  ];
}
