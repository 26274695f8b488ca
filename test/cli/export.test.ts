import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { agentSkillFaults } from '../exports/agent-skill-rules.ts';
import { plainDefinition, skillsFolder } from '../skills/fixtures.ts';
import { runCommand } from './stand-in-terminal.ts';

/** A folder with two skills, and an empty one to write to. */
async function setUp() {
  const skills = await skillsFolder({
    'a.json': plainDefinition(),
    'b.json': plainDefinition({ name: 'second' }),
  });
  const output = await skillsFolder({});
  const run = (...args: string[]) =>
    runCommand(['export', ...args], { env: { SKILLS_DIR: skills, PORT: '9000' } });
  return { run, output };
}

describe('skillgate export', () => {
  it('writes an Agent Skill, whose script can be executed and knows where the gateway listens', async () => {
    const { run, output } = await setUp();
    const folder = join(output, 'local-model-predict');
    expect(await run('local_model_predict', '-o', output)).toEqual({
      exitCode: 0,
      stdout: `${join(folder, 'SKILL.md')}\n${join(folder, 'scripts/call.sh')}\n`,
      stderr: '',
    });
    const markdown = await readFile(join(folder, 'SKILL.md'), 'utf8');
    expect(agentSkillFaults(markdown, 'local-model-predict')).toEqual([]);
    const script = join(folder, 'scripts/call.sh');
    expect((await stat(script)).mode & 0o777).toBe(0o755);
    expect(await readFile(script, 'utf8')).toContain("default_url='http://127.0.0.1:9000'\n");
  });

  it('packs every skill as a .skill file, and tells a machine which', async () => {
    const { run, output } = await setUp();
    const { stdout } = await run('--all', '--archive', '-o', output, '--json');
    const { files } = JSON.parse(stdout);
    expect(files).toEqual([join(output, 'local-model-predict.skill'), join(output, 'second.skill')]);
    expect((await readFile(files[0])).subarray(0, 2).toString()).toBe('PK');
  });

  it('writes a Claude Code plugin with the skills and the MCP server, where --url says', async () => {
    const { run, output } = await setUp();
    const url = 'https://gateway.example/models/';
    expect(await run('--all', '--format', 'plugin', '-o', output, '--url', url)).toMatchObject({
      exitCode: 0,
    });
    const read = (path: string) => readFile(join(output, path), 'utf8');
    expect(JSON.parse(await read('.claude-plugin/plugin.json'))).toMatchObject({ name: 'skillgate' });
    expect(JSON.parse(await read('.claude-plugin/marketplace.json'))).toMatchObject({
      plugins: [{ name: 'skillgate', source: './' }],
    });
    expect(JSON.parse(await read('.mcp.json')).mcpServers.skillgate).toMatchObject({
      type: 'http',
      url: `\${SKILLGATE_URL:-https://gateway.example/models}/mcp`,
    });
    expect(await read('README.md')).toContain('Skills: `local-model-predict`, `second`.');
    expect(await read('skills/second/SKILL.md')).toMatch(/^---\nname: second\n/);
    expect(await read('skills/second/scripts/call.sh')).toContain("'https://gateway.example/models'");
  });

  it('writes tools and OpenAPI to standard output, or to a file', async () => {
    const { run, output } = await setUp();
    const tools = JSON.parse((await run('second', '--format', 'tools')).stdout);
    expect(tools).toMatchObject([{ name: 'second', input_schema: { type: 'object' } }]);
    const file = join(output, 'deep/openapi.json');
    expect(await run('--all', '--format', 'openapi', '-o', file)).toMatchObject({ stdout: `${file}\n` });
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      openapi: '3.1.0',
      servers: [{ url: 'http://127.0.0.1:9000' }],
      paths: { '/skills/second': expect.anything() },
    });
  });

  it('says which skill the Messages API would refuse, and ends with 1', async () => {
    const input_schema = { type: 'object', properties: { 'a b': {} }, required: ['a b'] };
    const skills = await skillsFolder({ 'a.json': plainDefinition({ input_schema }) });
    const env = { SKILLS_DIR: skills };
    expect(await runCommand(['export', '--all', '--format', 'tools'], { env })).toEqual({
      exitCode: 1,
      stdout: '[]\n',
      stderr: expect.stringContaining('local_model_predict was left out'),
    });
  });

  it.each([
    [[], 'name one skill, or --all'],
    [['second', '--all'], 'name one skill, or --all'],
    [['third'], 'there is no skill third; there are: local_model_predict, second'],
    [['second', '--format', 'pdf'], 'Allowed choices are skill, plugin, tools, openapi'],
    [['second', '--format', 'tools', '--archive'], '--archive goes with --format skill'],
    [['second', '--url', 'gateway.example'], '--url takes'],
    [['second', '--url', 'file:///etc'], '--url takes'],
    [['second', '-o', '/dev/null'], '/dev/null/second/SKILL.md cannot be written'],
  ])('ends with 2 on %j', async (args, message) => {
    const { run } = await setUp();
    expect(await run(...args)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(message) });
  });

  it('writes nothing where a definition has faults', async () => {
    const skills = await skillsFolder({ 'a.json': plainDefinition(), 'b.json': '{' });
    const env = { SKILLS_DIR: skills };
    expect(await runCommand(['export', '--all', '--format', 'tools'], { env })).toMatchObject({
      exitCode: 78,
      stdout: '',
      stderr: expect.stringContaining('b.json'),
    });
  });
});
