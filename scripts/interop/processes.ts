import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

/** A process that runs beside this one, in a process group of its own. */
export interface Background {
  /** Rejects when the process ends before anybody stops it. */
  readonly failed: Promise<never>;
  /** Ends the process with all that it started: in peace, and by force after ten seconds. */
  stop(): Promise<void>;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** The file that gets what the process writes. */
  readonly log: string;
}

const running = new Set<Background>();

/** Starts a process that gives way to others. It ends with this one at the latest, see `stopAll`. */
export async function startBackground({ program, args, env, cwd, log }: Command): Promise<Background> {
  await mkdir(dirname(log), { recursive: true });
  const output = createWriteStream(log);
  await once(output, 'open');
  const child = spawn('nice', ['-n', '10', program, ...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', ...env },
    // A group of its own, so that the workers of the server can be ended with it.
    detached: true,
    stdio: ['ignore', output, output],
  });
  const exited = once(child, 'exit');
  let isStopping = false;
  const failed = exited.then(async ([code, signal]): Promise<never> => {
    running.delete(background);
    const said = isStopping ? '' : `: ${lastLine(await readFile(log, 'utf8'))}`;
    throw new Error(`${basename(program)} ended with ${code ?? signal}${said}`);
  });
  // Whoever waits for the server hears of it; afterwards nobody may be listening.
  failed.catch(() => undefined);
  const background: Background = {
    failed,
    async stop() {
      isStopping = true;
      if (child.exitCode === null && child.signalCode === null) {
        signalGroup(child, 'SIGTERM');
        const force = setTimeout(() => signalGroup(child, 'SIGKILL'), 10_000);
        await exited;
        clearTimeout(force);
      }
      // What outlived its parent.
      signalGroup(child, 'SIGKILL');
      output.end();
    },
  };
  running.add(background);
  return background;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
}

/** Stops whatever still runs. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map((background) => background.stop()));
}

/**
 * Runs a command to its end.
 *
 * @returns what it wrote to its standard output
 * @throws Error with the end of what it wrote, where it fails
 */
export async function runToEnd(program: string, args: readonly string[], env = {}): Promise<string> {
  const child = spawn('nice', ['-n', '15', program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let written = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => {
    written += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk;
  });
  const [code] = await once(child, 'close');
  if (code === 0) return written;
  throw new Error((complaint || written).trim().split('\n').slice(-3).join(' ').slice(0, 500));
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // The whole group has ended already.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
