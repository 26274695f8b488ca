import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { findProgram } from './debian.ts';

/** How to run a program that serves on a port of 127.0.0.1. */
export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** The container that it runs, where the program is Docker: signals are for that one. */
  readonly container?: string;
  readonly port: number;
  /** What to send to the port, in characters of latin1, to be answered something. */
  readonly greeting: string;
  /** Whether an answer is one of a program at work; any is unless said otherwise. */
  readonly isAtWork?: (answer: string) => boolean;
}

/** A running program. */
export interface ServerProcess {
  signal(name: NodeJS.Signals): void;
  /** Resolves when it has ended. */
  end(name: EndSignal): Promise<void>;
}

/** In peace, or at once. */
export type EndSignal = 'SIGTERM' | 'SIGKILL';

const patienceMs = 60_000;

/**
 * Starts a program, and waits until it is at work. It ends when this process does, also where that is killed.
 *
 * @throws Error where it ends before, or takes longer than a minute
 */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  const { env = process.env, container, port, greeting, isAtWork = () => true } = command;
  const { program, args } = await endingWithUs(command);
  const child = spawn(program, args, { env, stdio: 'ignore' });
  const ended = once(child, 'close');
  function signal(name: NodeJS.Signals): void {
    if (container === undefined) child.kill(name);
    else spawnSync('docker', ['kill', '--signal', name, container]);
  }
  const kill = () => signal('SIGKILL');
  process.once('exit', kill);
  async function end(name: EndSignal): Promise<void> {
    process.off('exit', kill);
    signal(name);
    await ended;
  }

  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    const answer = await answerOf(port, greeting);
    if (answer !== undefined && isAtWork(answer)) return { signal, end };
    const code = child.exitCode;
    if (code !== null || performance.now() > giveUpAt) {
      if (code === null) await end('SIGKILL');
      throw new Error(`${command.program} did not start on port ${port} (exit code ${code}).`);
    }
    await wait(20);
  }
}

/** Linux ends a program with the process that started it where setpriv asks for that; other systems have no such thing. */
async function endingWithUs({ program, args }: ServerCommand) {
  const setpriv = await findProgram('setpriv');
  return setpriv === undefined
    ? { program, args }
    : { program: setpriv, args: ['--pdeathsig', 'KILL', program, ...args] };
}

/** What a port answers to a greeting; undefined where nobody does. */
function answerOf(port: number, greeting: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(greeting, 'latin1'));
    socket.setTimeout(1000, () => socket.destroy());
    socket.once('data', (answer) => {
      resolve(answer.toString('latin1'));
      socket.destroy();
    });
    // Whoever refuses or breaks off does not answer: the close that follows says so.
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(undefined));
  });
}
