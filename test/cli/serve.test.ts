import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { after, hang, json, startModelServer } from '../servers/model-server.ts';
import { dataFolder, skillsFolder } from '../skills/fixtures.ts';
import { skillAt } from './shouting-model.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

interface Gateway {
  readonly url: string;
  readonly child: ChildProcessWithoutNullStreams;
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>;
  /** The log line of an event, which may have been written before. */
  line(event: string): Promise<Record<string, unknown>>;
  call(): Promise<Response>;
}

/** Starts the real command line on a free port. */
async function serve(skillsDir: string, env: Record<string, string> = {}): Promise<Gateway> {
  const child = spawn(process.execPath, [main], {
    env: { PORT: '0', SKILLS_DIR: skillsDir, DATA_DIR: await dataFolder(), ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code]: (number | null)[]) => code ?? null);
  const lines: Record<string, unknown>[] = [];
  const reader = createInterface(child.stdout).on('line', (line) => lines.push(JSON.parse(line)));
  const line = async (event: string): Promise<Record<string, unknown>> => {
    const found = lines.find((candidate) => candidate.event === event);
    if (found) return found;
    await once(reader, 'line');
    return line(event);
  };
  const { address } = await line('listening');
  const url = String(address);
  const call = () =>
    fetch(`${url}/skills/shout`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"text": "a"}',
    });
  return { url, child, ended, line, call };
}

/** Runs the real command line to its end. */
async function run(env: Record<string, string>) {
  const child = spawn(process.execPath, [main, 'serve'], { env: { DATA_DIR: await dataFolder(), ...env } });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [code] = await once(child, 'exit');
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  let all = '';
  for await (const piece of stream) all += piece;
  return all;
}

async function model() {
  const server = await startModelServer();
  onTestFinished(() => server.close());
  return server;
}

describe('skillgate serve', () => {
  it('listens, says where in one line, and lets calls under way end after SIGTERM', async () => {
    const server = await model();
    server.always(after(300, json({ prediction: 'A' })));
    const gateway = await serve(await skillsFolder({ 'a.json': skillAt(server.url) }));
    expect(await gateway.line('listening')).toMatchObject({
      level: 'info',
      skills: 1,
      start_ms: expect.any(Number),
    });
    const requested = server.requested();
    const answer = gateway.call();
    await requested;
    gateway.child.kill('SIGTERM');
    expect((await answer).status).toBe(200);
    expect(await gateway.ended).toBe(0);
    expect(await gateway.line('stopped')).toMatchObject({ closed: true });
    await expect(fetch(gateway.url)).rejects.toThrow();
  });

  it('cuts off what is left after SHUTDOWN_GRACE_MS, and ends well all the same', async () => {
    const server = await model();
    server.always(hang());
    const gateway = await serve(await skillsFolder({ 'a.json': skillAt(server.url) }), {
      SHUTDOWN_GRACE_MS: '50',
    });
    const requested = server.requested();
    const aborted = server.aborted();
    const answer = gateway.call().catch((error: unknown) => error);
    await requested;
    gateway.child.kill('SIGINT');
    await aborted;
    expect(await answer).toBeInstanceOf(Error);
    expect(await gateway.ended).toBe(0);
  });

  it('ends at once at the second signal', async () => {
    const server = await model();
    server.always(hang());
    const gateway = await serve(await skillsFolder({ 'a.json': skillAt(server.url) }));
    const requested = server.requested();
    const answer = gateway.call().catch((error: unknown) => error);
    await requested;
    gateway.child.kill('SIGTERM');
    await gateway.line('stopping');
    gateway.child.kill('SIGTERM');
    expect(await gateway.ended).toBe(1);
    expect(await answer).toBeInstanceOf(Error);
  });

  it('says clearly that the port is taken', async () => {
    const server = await model();
    const directory = await skillsFolder({ 'a.json': skillAt(server.url) });
    const { code, stderr } = await run({ SKILLS_DIR: directory, PORT: new URL(server.url).port });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: cannot listen on 127\.0\.0\.1, port \d+: another process has it/);
    expect(stderr).not.toContain('at ');
  });

  it.each<[string, Record<string, string>, Record<string, string>, RegExp]>([
    ['a bad variable', {}, { PORT: 'http' }, /PORT takes a whole number/],
    ['a bad definition', { 'a.json': '{' }, {}, /a\.json {2}\(the file\) {2}is not JSON/],
  ])('ends with 78 on %s', async (_, files, env, message) => {
    const { code, stdout, stderr } = await run({ PORT: '0', SKILLS_DIR: await skillsFolder(files), ...env });
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' });
    expect(stderr).toMatch(message);
  });
});
