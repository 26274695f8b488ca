import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  access,
  chmod,
  glob,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { findProgram } from '../servers/debian.ts';
import { unusedPort } from '../servers/listen.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const configuration = join(root, 'deploy/nginx.conf');

/** A program, and the environment in which it finds its libraries. */
export interface Nginx {
  readonly program: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Finds nginx on the PATH, else takes it from Debian's packages: unpacked under .cache, nothing is installed and no
 * rights are needed.
 *
 * @throws Error where there is neither
 */
export async function findNginx(): Promise<Nginx> {
  const program = await findProgram('nginx');
  if (program !== undefined) return { program, env: process.env };
  const kept = join(root, '.cache/nginx');
  if (!(await exists(kept))) await unpackFromDebian(kept);
  const libraries = await Array.fromAsync(glob(join(kept, 'usr/lib/*-linux-*')));
  return {
    program: join(kept, 'usr/sbin/nginx'),
    env: { ...process.env, LD_LIBRARY_PATH: libraries.join(delimiter) },
  };
}

async function unpackFromDebian(target: string): Promise<void> {
  await mkdir(join(root, '.cache'), { recursive: true });
  const scratch = await mkdtemp(join(root, '.cache/nginx-'));
  try {
    // Folders of its own: neither rights nor locks of the system's are needed.
    const archives = join(scratch, 'archives');
    const lists = join(scratch, 'lists');
    const unpacked = join(scratch, 'unpacked');
    for (const folder of [archives, lists]) await mkdir(join(folder, 'partial'), { recursive: true });
    const own = [`Dir::Cache::archives=${archives}`, `Dir::State::lists=${lists}`, 'Debug::NoLocking=1'];
    const options = own.flatMap((option) => ['-o', option]);
    await run('apt-get', [...options, 'update']);
    await run('apt-get', [
      ...options,
      'install',
      '--yes',
      '--no-install-recommends',
      '--download-only',
      'nginx',
    ]);
    const packages = (await readdir(archives)).filter((name) => name.endsWith('.deb'));
    for (const name of packages) await run('dpkg-deb', ['--extract', join(archives, name), unpacked]);
    await rename(unpacked, target);
  } catch (error) {
    throw new Error('nginx is not on the PATH, and Debian packages cannot be had: install nginx', {
      cause: error,
    });
  } finally {
    await rm(scratch, { recursive: true });
  }
}

/**
 * Starts nginx with deploy/nginx.conf on a free port, and stops it when the test ends. Nothing of the file is changed
 * but the addresses and the folder that it writes to.
 *
 * @param gateways the ports on which gateway-1 and gateway-2 are
 * @returns the URL of nginx
 */
export async function startNginx({ program, env }: Nginx, gateways: readonly number[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nginx-'));
  // As root, nginx works as another user.
  await chmod(folder, 0o755);
  const port = await unusedPort();
  const file = join(folder, 'nginx.conf');
  await writeFile(file, await configurationFor(folder, port, gateways));
  const start = ['-c', file, '-p', folder, '-e', 'stderr'];
  await run(program, [...start, '-t'], { env });
  const nginx = spawn(program, [...start, '-g', 'daemon off;'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  nginx.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const ended = once(nginx, 'exit');
  onTestFinished(async () => {
    nginx.kill();
    await ended;
    await rm(folder, { recursive: true });
  });
  const url = `http://127.0.0.1:${port}`;
  for (let attempt = 0; nginx.exitCode === null && attempt < 100; attempt++) {
    const response = await fetch(`${url}/livez`).catch(() => undefined);
    if (response?.ok) return url;
    await pause(20);
  }
  throw new Error(`nginx does not answer: ${log}`);
}

async function configurationFor(folder: string, port: number, gateways: readonly number[]): Promise<string> {
  const text = await readFile(configuration, 'utf8');
  return gateways
    .reduce((written, own, index) => replace(written, `gateway-${index + 1}:8080`, `127.0.0.1:${own}`), text)
    .replace('listen 8080;', `listen 127.0.0.1:${port};`)
    .replaceAll('/tmp/', `${folder}/`);
}

function replace(text: string, before: string, after: string): string {
  if (!text.includes(before)) throw new Error(`nginx.conf has no ${before}`);
  return text.replaceAll(before, after);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
