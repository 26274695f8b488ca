import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const broker = pathToFileURL(`${import.meta.dirname}/rabbitmq.ts`);
const program = `
  import { startRabbit } from '${broker}';
  const { port } = await startRabbit();
  console.log(port);`;

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}

it('starts a broker that does not outlive the process that started it, however that ends', async () => {
  // Whoever is killed does not remove its files.
  const folder = await mkdtemp(join(tmpdir(), 'skillgate-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  const port = Number(line);
  expect(await isRefused(port)).toBe(false);
  child.kill('SIGKILL');
  await expect.poll(() => isRefused(port), { timeout: 5000 }).toBe(true);
}, 240_000);
