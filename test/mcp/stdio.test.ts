import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { definitionOf, writeDefinition } from '../app.ts';
import { after as delayed, json, type ModelServer } from '../servers/model-server.ts';
import { skillsFolder } from '../skills/fixtures.ts';
import { type Message, startModel, toolName } from './message.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

interface Process {
  readonly model: ModelServer;
  readonly child: ChildProcessWithoutNullStreams;
  /** Everything on standard output; a line that is no JSON would have failed the test. */
  readonly messages: readonly Message[];
  /** Sends a request of 2025-11-25, and waits for its answer. */
  ask(id: number, method: string, params?: object): Promise<Message>;
}

async function startProcess(env: Readonly<Record<string, string>> = {}): Promise<Process> {
  const model = await startModel();
  const skillsDir = await skillsFolder({});
  await writeDefinition(skillsDir, definitionOf(model.url));
  const child = spawn(process.execPath, [main, 'mcp'], { env: { SKILLS_DIR: skillsDir, ...env } });
  onTestFinished(() => void child.kill('SIGKILL'));
  child.stderr.resume();
  const messages: Message[] = [];
  const lines = createInterface(child.stdout).on('line', (line) => messages.push(JSON.parse(line)));
  const answerTo = async (id: number): Promise<Message> => {
    const found = messages.find((message) => message.id === id);
    if (found) return found;
    await once(lines, 'line');
    return answerTo(id);
  };
  return {
    model,
    child,
    messages,
    ask(id, method, params = {}) {
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
      return answerTo(id);
    },
  };
}

const initialize = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
};

it('writes nothing but the protocol to standard output, and goes on after lines that are none', async () => {
  const { child, ask } = await startProcess();
  await ask(1, 'initialize', initialize);
  child.stdin.write('this is not JSON\n{"jsonrpc":"2.0"}\n[]\n');
  const answer = await ask(2, 'tools/call', { name: toolName, arguments: { text: 'hello' } });
  expect(answer.result?.structuredContent).toEqual({ prediction: 'positive', confidence: 0.9 });
  expect(await ask(3, 'tools/call', { name: '../x' })).toMatchObject({ error: { code: -32602 } });
  expect(await ask(4, 'tools/call', { name: toolName, arguments: [1] })).toMatchObject({
    error: { code: -32602 },
  });
});

it('ends when a message is larger than BODY_LIMIT_BYTES, since the next one could not be found', async () => {
  const { child } = await startProcess({ BODY_LIMIT_BYTES: '1000' });
  const ended = once(child, 'exit');
  child.stdin.on('error', () => undefined).write('x'.repeat(2000));
  expect(await ended).toEqual([0, null]);
});

it.each([
  ['its client closes standard input', (child: ChildProcessWithoutNullStreams) => child.stdin.end()],
  ['it gets SIGTERM', (child: ChildProcessWithoutNullStreams) => child.kill('SIGTERM')],
])('ends well when %s, and cancels what runs', async (_when, leave) => {
  const { child, model, ask } = await startProcess();
  model.always(delayed(10_000, json({})));
  await ask(1, 'initialize', initialize);
  const [requested, aborted] = [model.requested(), model.aborted()];
  void ask(2, 'tools/call', { name: toolName, arguments: { text: 'hello' } }).catch(() => undefined);
  await requested;
  const ended = once(child, 'exit');
  leave(child);
  await aborted;
  expect(await ended).toEqual([0, null]);
});

it('says on standard error what keeps it from starting', async () => {
  const skillsDir = await skillsFolder({ 'bad.json': '{' });
  const child = spawn(process.execPath, [main, 'mcp'], { env: { SKILLS_DIR: skillsDir } });
  const [output, errors] = [child.stdout, child.stderr].map(async (stream) =>
    (await stream.toArray()).join(''),
  );
  const [code] = await once(child, 'exit');
  expect({ code, output: await output }).toEqual({ code: 78, output: '' });
  expect(await errors).toContain('bad.json');
});
