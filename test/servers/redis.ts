import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram, installFromDebian, runProgram } from './debian.ts';
import { unusedPort } from './listen.ts';

export interface RedisServer {
  readonly port: number;
  /** redis://127.0.0.1:PORT */
  readonly url: string;
  close(): Promise<void>;
}

/** Starts Redis with nothing in it on a port. @returns the process that ends when Redis does */
type Launch = (port: number, folder: string) => ChildProcess;

/**
 * Starts a real Redis on a free port: `redis-server` from the PATH, else from Debian's packages, else from Docker.
 *
 * @param args options of redis-server, such as `--requirepass`
 * @throws Error where none of the three is to be had
 */
export async function startRedis(...args: readonly string[]): Promise<RedisServer> {
  const launch = await findRedis(args);
  const folder = await mkdtemp(join(tmpdir(), 'skillgate-redis-'));
  const port = await unusedPort();
  const child = launch(port, folder);
  const ended = once(child, 'close');
  // Where the test process is killed, Redis must not stay behind.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  await answering(port, child);
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    async close() {
      process.off('exit', kill);
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

async function findRedis(args: readonly string[]): Promise<Launch> {
  const installed = await findProgram('redis-server');
  if (installed !== undefined) return launchProgram(installed, args);
  const failure = await installFromDebian('redis-server');
  const fresh = await findProgram('redis-server');
  if (fresh !== undefined) return launchProgram(fresh, args);
  const docker = await runProgram('docker', ['pull', '--quiet', 'redis:7']);
  if (docker.code === 0) return launchImage(args);
  throw new Error(
    `These tests need a real Redis. There is no redis-server on the PATH, Debian's package could not be installed ` +
      `(${failure ?? 'it holds no redis-server'}), and Docker cannot give one either (${docker.output.trim()}).`,
  );
}

const withoutFiles = ['--save', '', '--appendonly', 'no'];

function launchProgram(program: string, args: readonly string[]): Launch {
  return (port, folder) =>
    spawn(program, ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, ...withoutFiles, ...args], {
      stdio: 'ignore',
    });
}

function launchImage(args: readonly string[]): Launch {
  return (port) =>
    spawn(
      'docker',
      [
        'run',
        '--rm',
        '--publish',
        `127.0.0.1:${port}:6379`,
        'redis:7',
        'redis-server',
        ...withoutFiles,
        ...args,
      ],
      { stdio: 'ignore' },
    );
}

/** Resolves when Redis answers on the port; a refusal without a password is an answer too. */
async function answering(port: number, child: ChildProcess): Promise<void> {
  const giveUpAt = performance.now() + 20_000;
  while (!(await pings(port))) {
    if (child.exitCode !== null || performance.now() > giveUpAt) {
      child.kill('SIGKILL');
      throw new Error(`Redis did not start on port ${port} (exit code ${child.exitCode}).`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function pings(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (answer) => {
      resolve(/^(\+PONG|-NOAUTH)/.test(answer.toString()));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
