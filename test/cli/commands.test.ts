import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { json } from '../servers/model-server.ts';
import { plainDefinition, skillsFolder } from '../skills/fixtures.ts';
import { shoutingModel, skillAt } from './shouting-model.ts';
import { runCommand } from './stand-in-terminal.ts';

describe('skillgate', () => {
  it('shows help with examples, for every command', async () => {
    for (const command of [
      [],
      ['serve'],
      ['validate'],
      ['test'],
      ['invoke'],
      ['list'],
      ['export'],
      ['import'],
      ['keys'],
      ['keys', 'create'],
      ['worker'],
      ['jobs'],
      ['jobs', 'dead', 'list'],
      ['jobs', 'dead', 'retry'],
    ]) {
      const { exitCode, stdout } = await runCommand([...command, '--help']);
      expect(exitCode, command.join(' ')).toBe(0);
      expect(stdout, command.join(' ')).toMatch(/^Usage: skillgate[\s\S]*\nExamples:\n {2}\S/);
    }
  });

  it('shows its version', async () => {
    expect(await runCommand(['--version'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it.each([
    [['lst'], 'unknown command'],
    [['list', '--jsn'], 'unknown option'],
    [['list', 'extra'], 'too many arguments'],
    [['invoke'], "missing required argument 'name'"],
    [['keys'], 'Usage: skillgate keys'],
    [['--nonsense'], 'unknown option'],
  ])('ends with 2 on wrong usage: %j', async (args, message) => {
    const { exitCode, stdout, stderr } = await runCommand(args);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('ends with 78 on a bad environment, and names every variable', async () => {
    const { exitCode, stderr } = await runCommand(['list'], { env: { PORT: 'http', CACHE_TTL_MS: '-1' } });
    expect(exitCode).toBe(78);
    expect(stderr).toMatch(/PORT takes a whole number[\s\S]*CACHE_TTL_MS takes a whole number/);
  });
});

describe('skillgate validate', () => {
  it('says that all is well, and of how many skills', async () => {
    const described = (type: string) => ({ type, description: 'What it is.' });
    const definition = plainDefinition({
      input_schema: { type: 'object', properties: { text: described('string') } },
      output_schema: { type: 'object', properties: { prediction: described('string') } },
    });
    const directory = await skillsFolder({ 'a.json': definition });
    expect(await runCommand(['validate', directory])).toEqual({
      exitCode: 0,
      stdout: `ok: 1 skill in ${directory}, no faults.\n`,
      stderr: '',
    });
  });

  it('lists every fault as file, pointer and reason, and ends with 1', async () => {
    const directory = await skillsFolder({ 'a.json': '{', 'b.json': plainDefinition({ endpoint: {} }) });
    const { exitCode, stderr } = await runCommand(['validate', directory]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatchInlineSnapshot(`
      "FILE    POINTER     REASON
      a.json  (the file)  is not JSON: line 1, column 2: the text ends where a property name in double quotes, or } should be
      b.json  /endpoint   must have the property "url"
      2 faults.
      "
    `);
  });

  it('warns where a client would cut a good definition, says what to write instead, and ends with 0', async () => {
    const directory = await skillsFolder({ 'a.json': plainDefinition({ description: 'word '.repeat(250) }) });
    const { exitCode, stdout, stderr } = await runCommand(['validate', directory]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: expect.stringMatching(/^ok: 1 skill/) });
    expect(stderr).toMatchInlineSnapshot(`
      "a.json /description
        has 1250 characters: Agent Skills cut it at 1024
        better: what the skill does and when to use it, in at most 1024 characters; details belong into the descriptions of the properties
      a.json /input_schema
        no description: text; Claude has to guess what to send
        better: a "description" in each property: what it means, its unit, and an example where it helps
      a.json /output_schema
        no description: prediction, confidence; Claude has to guess what the answer means
        better: a "description" in each property: what it means, its unit, and an example where it helps
      3 warnings.
      "
    `);
  });

  it('tells a machine the same', async () => {
    const directory = await skillsFolder({
      'a.json': plainDefinition(),
      'b.json': plainDefinition({ name: 'B' }),
    });
    const { exitCode, stdout, stderr } = await runCommand(['validate', directory, '--json']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      directory,
      skills: [{ file: 'a.json', name: 'local_model_predict', version: '1.0.0' }],
      faults: [{ file: 'b.json', pointer: '/name', reason: expect.any(String) }],
      warnings: [
        expect.objectContaining({ file: 'a.json', pointer: '/input_schema' }),
        expect.objectContaining({ file: 'a.json', pointer: '/output_schema' }),
      ],
    });
  });

  it('says that a folder is empty, and takes SKILLS_DIR by default', async () => {
    const directory = await skillsFolder({});
    expect(await runCommand(['validate'], { env: { SKILLS_DIR: directory } })).toMatchObject({
      exitCode: 0,
      stdout: `There are no definitions (*.json) in ${directory}.\n`,
    });
  });

  it('ends with 1 where the folder is not there', async () => {
    expect(await runCommand(['validate', '/nowhere/at/all'])).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('ENOENT'),
    });
  });
});

describe('skillgate list', () => {
  it('shows a table, without control characters of the definitions', async () => {
    const directory = await skillsFolder({
      'b.json': plainDefinition({ name: 'bb', description: 'Says \u001b[31mred\u001b[0m\nthings' }),
      'a.json': plainDefinition({ name: 'a', version: '1.2.3', description: 'word '.repeat(40) }),
    });
    const { exitCode, stdout } = await runCommand(['list'], { env: { SKILLS_DIR: directory } });
    expect(exitCode).toBe(0);
    expect(stdout).toMatchInlineSnapshot(`
      "NAME  VERSION  PROTOCOL  MODEL SERVER                   DESCRIPTION
      a     1.2.3    http      http://localhost:8000/predict  word word word word word word word word word word word word…
      bb    1.0.0    http      http://localhost:8000/predict  Says [31mred [0m things
      "
    `);
  });

  it('fits the terminal, and styles nothing where NO_COLOR is set', async () => {
    const directory = await skillsFolder({ 'a.json': plainDefinition() });
    const env = { SKILLS_DIR: directory, NO_COLOR: '1' };
    const { stdout } = await runCommand(['list'], { env, columns: 40 });
    expect(stdout).toMatch(/^NAME.*\nlocal_model_predict.*…\n$/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(40);
    const styled = await runCommand(['list'], { env: { SKILLS_DIR: directory }, columns: 40 });
    expect(styled.stdout).toContain('\u001b[1mNAME');
  });

  it('lists what is good, tells what is not, and ends with 1', async () => {
    const directory = await skillsFolder({ 'a.json': plainDefinition(), 'b.json': '{' });
    const { exitCode, stdout, stderr } = await runCommand(['list', '--json'], {
      env: { SKILLS_DIR: directory },
    });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toEqual([
      {
        name: 'local_model_predict',
        version: '1.0.0',
        protocol: 'http',
        model_server: 'http://localhost:8000/predict',
        description: 'Call local NLP model for text processing',
        file: 'a.json',
      },
    ]);
    expect(stderr).toContain('b.json');
  });
});

describe('skillgate keys create', () => {
  it('makes a key, and an entry that holds only its SHA-256', async () => {
    const { exitCode, stdout } = await runCommand([
      'keys',
      'create',
      'laptop',
      '--json',
      '--skills',
      'a',
      'b',
    ]);
    expect(exitCode).toBe(0);
    const { name, key, entry } = JSON.parse(stdout);
    expect(name).toBe('laptop');
    expect(entry).toBe(`laptop:${createHash('sha256').update(key).digest('hex')}:a|b`);
  });

  it('shows a person both, and another key each time', async () => {
    const [first, second] = await Promise.all([
      runCommand(['keys', 'create', 'a']),
      runCommand(['keys', 'create', 'a']),
    ]);
    expect(first.stdout).toMatch(/\n {2}sgk_\S{43}\n[\s\S]*\n {2}a:[0-9a-f]{64}\n/);
    expect(first.stdout).not.toBe(second.stdout);
  });

  it.each([['a b'], ['gateway'], ['a:b']])('refuses the name %j', async (name) => {
    expect(await runCommand(['keys', 'create', name])).toMatchObject({ exitCode: 2, stdout: '' });
  });
});

describe('skillgate invoke', () => {
  it('writes the output alone, whichever way the input comes', async () => {
    const url = await shoutingModel();
    const directory = await skillsFolder({ 'a.json': skillAt(url) });
    const file = join(directory, 'input.txt');
    await writeFile(file, '{"text": "file"}');
    const env = { SKILLS_DIR: directory };
    const ways: [string[], string | undefined, string][] = [
      [['--input', '{"text": "here"}'], undefined, 'HERE'],
      [['--input', `@${file}`], undefined, 'FILE'],
      [['--input', '-'], '{"text": "dash"}', 'DASH'],
      [[], '{"text": "pipe"}', 'PIPE'],
    ];
    for (const [args, stdin, prediction] of ways) {
      const result = await runCommand(['invoke', 'shout', ...args], {
        env,
        ...(stdin !== undefined && { stdin }),
      });
      expect(result).toEqual({
        exitCode: 0,
        stdout: `{"prediction":"${prediction}","confidence":0.5}\n`,
        stderr: '',
      });
    }
  });

  it.each([
    ['an input that the skill refuses', 'shout', '{"text": 1}', 'invalid_input'],
    ['a skill that is not there', 'nobody', '{}', 'skill_not_found'],
  ])('writes %s as a problem to standard error, and ends with 1', async (_, name, input, code) => {
    const url = await shoutingModel();
    const directory = await skillsFolder({ 'a.json': skillAt(url) });
    const result = await runCommand(['invoke', name, '--input', input], { env: { SKILLS_DIR: directory } });
    expect(result).toMatchObject({ exitCode: 1, stdout: '' });
    expect(JSON.parse(result.stderr)).toMatchObject({
      code,
      status: expect.any(Number),
      request_id: expect.any(String),
    });
  });

  it.each([
    ['no input at all', [], 'an input is missing'],
    ['an input that is not JSON', ['--input', '{"text": }'], '--input is not JSON: line 1, column 10'],
    ['a file that is not there', ['--input', '@/nowhere.json'], '/nowhere.json cannot be read'],
    ['a __proto__ key', ['--input', '{"__proto__": 1}'], 'must not have a property named __proto__'],
  ])('calls %s wrong usage', async (_, args, message) => {
    const result = await runCommand(['invoke', 'shout', ...args]);
    expect(result).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringContaining(message) });
  });

  it('ends with 78 where a definition has a fault, and says which', async () => {
    const directory = await skillsFolder({ 'a.json': '{' });
    const result = await runCommand(['invoke', 'shout', '--input', '{}'], { env: { SKILLS_DIR: directory } });
    expect(result).toMatchObject({
      exitCode: 78,
      stdout: '',
      stderr: expect.stringContaining('a.json  (the file)'),
    });
  });
});

describe('skillgate test', () => {
  const examples = [
    { input: { text: 'a' }, output: { prediction: 'A' } },
    { input: { text: 'b' }, output: { prediction: 'b', confidence: 0.25 } },
    { input: { text: 'c' } },
  ];

  it('runs every example, and shows where the outputs differ', async () => {
    const url = await shoutingModel();
    const directory = await skillsFolder({ 'a.json': skillAt(url, { examples }) });
    const { exitCode, stdout } = await runCommand(['test'], { env: { SKILLS_DIR: directory } });
    expect(exitCode).toBe(1);
    const lines = stdout.split('\n').map((line) => line.replace(/(ok|failed) +[\d.]+/, '$1').trim());
    expect(lines).toEqual([
      expect.stringMatching(/^SKILL +EXAMPLE +RESULT +MS +DETAIL$/),
      'shout  1        ok',
      expect.stringMatching(/^shout {2}2 {8}failed +\/prediction is "B", not "b"$/),
      '/confidence is 0.5, not 0.25',
      'shout  3        ok',
      '1 of 3 failed',
      '',
    ]);
  });

  it('tells a machine the same, and ends with 0 where all is well', async () => {
    const url = await shoutingModel();
    const directory = await skillsFolder({
      'a.json': skillAt(url, { examples: [examples[0] ?? null, examples[2] ?? null] }),
    });
    const { exitCode, stdout } = await runCommand(['test', 'shout', '--json'], {
      env: { SKILLS_DIR: directory },
    });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual(
      [1, 2].map((example) => ({
        skill: 'shout',
        example,
        ok: true,
        duration_ms: expect.any(Number),
        differences: [],
      })),
    );
  });

  it('shows the error of a call that fails', async () => {
    const url = await shoutingModel(json({ error: 'no such tensor' }, { status: 400 }));
    const directory = await skillsFolder({ 'a.json': skillAt(url, { examples }) });
    const { exitCode, stdout } = await runCommand(['test'], { env: { SKILLS_DIR: directory } });
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/shout +1 +failed +\S+ +upstream_error: .*no such tensor/);
    expect(stdout).toContain('3 of 3 failed');
  });

  it('says that there is nothing to run, and that there is no such skill', async () => {
    const directory = await skillsFolder({ 'a.json': plainDefinition() });
    const env = { SKILLS_DIR: directory };
    expect(await runCommand(['test'], { env })).toMatchObject({
      exitCode: 0,
      stdout: 'There are no examples to run.\n',
    });
    expect(await runCommand(['test', 'other'], { env })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no skill other; there are: local_model_predict'),
    });
  });
});
