import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

const main = join(import.meta.dirname, '../../src/main.ts');

/** Starts the real `skillgate worker`, and waits until it works. It is killed when the test ends. */
export async function startWorkerProcess(env: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, 'worker'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  await new Promise<void>((resolve) => lines.on('line', (line) => line.includes('"working"') && resolve()));
  return child;
}
