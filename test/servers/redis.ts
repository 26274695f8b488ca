import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { runProgram } from './debian.ts';
import { findServer } from './installed.ts';
import { unusedPort } from './listen.ts';
import { type Server, startServer } from './server.ts';
import { startServerProcess } from './server-process.ts';

export interface RedisServer extends Server {
  /** redis://127.0.0.1:PORT */
  readonly url: string;
}

const image = 'redis:7';
const withoutFiles = ['--save', '', '--appendonly', 'no'];

/**
 * Starts a real Redis with nothing in it on a free port: `redis-server` from the PATH, else from Debian's packages,
 * else from Docker.
 *
 * @param args options of redis-server, such as `--requirepass`; with `--appendonly yes` it keeps its data over a stop
 * @throws Error where none of the three is to be had
 */
export async function startRedis(...args: readonly string[]): Promise<RedisServer> {
  const found = await findServer({ program: 'redis-server', debianPackage: 'redis-server', image });
  const folder = await mkdtemp(join(tmpdir(), 'skillgate-redis-'));
  const port = await unusedPort();
  const options = [...withoutFiles, ...args];
  const command =
    found === 'image'
      ? inContainer(basename(folder), port, options)
      : {
          program: found.program,
          args: ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, ...options],
        };
  // A refusal without a password is an answer too; while it reads its file it says that it is loading.
  const isAtWork = (answer: string) => /^(\+PONG|-NOAUTH)/.test(answer);
  const server = await startServer(
    port,
    () => startServerProcess({ ...command, port, greeting: 'PING\r\n', isAtWork }),
    async () => {
      if (found === 'image') await runProgram('docker', ['volume', 'rm', basename(folder)]);
      await rm(folder, { recursive: true });
    },
  );
  return { ...server, url: `redis://127.0.0.1:${port}` };
}

/** The volume outlives the container. */
function inContainer(name: string, port: number, options: readonly string[]) {
  const published = ['--publish', `127.0.0.1:${port}:6379`, '--volume', `${name}:/data`];
  return {
    program: 'docker',
    args: ['run', '--rm', '--name', name, ...published, image, 'redis-server', ...options],
    container: name,
  };
}
