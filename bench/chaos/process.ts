import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const main = join(import.meta.dirname, '../../dist/main.js');

/** A process of Skillgate that can be killed, and started again. */
export interface Victim {
  /** Kills it (SIGKILL) and starts it again. Resolves when it is back at work. */
  kill(): Promise<void>;
  /** Ends it in peace. */
  stop(): Promise<void>;
}

/** Starts `skillgate serve` or `skillgate worker`, and waits until it says that it is at work. */
export async function startVictim(
  command: 'serve' | 'worker',
  env: Readonly<Record<string, string>>,
): Promise<Victim> {
  let child = await start();
  // However the run ends, nothing of it stays behind.
  process.once('exit', () => child.kill('SIGKILL'));

  async function start(): Promise<ChildProcess> {
    const started = spawn(process.execPath, [main, command], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = createInterface(started.stdout);
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => /"event":"(listening|working)"/.test(line) && resolve());
      started.once('exit', (code) => reject(new Error(`skillgate ${command} ended with ${code}`)));
    });
    return started;
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  return {
    async kill() {
      await end('SIGKILL');
      child = await start();
    },
    stop: () => end('SIGTERM'),
  };
}
