import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { freePort, root } from './gateways.ts';

/**
 * Starts the gateway with `npm start` as a user does, on all cores, and asks the embedded model until it answers.
 *
 * @returns milliseconds from the command to the answer
 * @throws Error where there is none within ten seconds
 */
export async function measureStartup(): Promise<number> {
  const port = await freePort();
  const start = performance.now();
  const child = spawn('taskset', ['-c', '0,1', 'npm', 'start'], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: String(port) },
    stdio: 'ignore',
    detached: true,
  });
  const ended = once(child, 'exit');
  try {
    while (performance.now() - start < 10_000) {
      if (await detectsLanguage(port)) return performance.now() - start;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    throw new Error('`npm start` did not answer within ten seconds');
  } finally {
    // The whole group: npm is the parent of the gateway.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await ended;
  }
}

async function detectsLanguage(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/skills/detect_language`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text: 'Bonjour tout le monde' }),
    });
    await response.text();
    return response.status === 200;
  } catch {
    // Nobody listens yet.
    return false;
  }
}
