import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Runs a program to its end. @returns its exit code, and what it said */
export function runProgram(
  program: string,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    // RUNLEVEL keeps Debian from starting the service that it installs.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        output += chunk;
      });
    }
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/** Where a program is on the PATH, or where Debian puts those of administrators. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin']) {
    const path = join(folder, name);
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

/** apt-get waits for the lock of dpkg, but not for that of its lists: of several test processes one goes first. */
const lockFile = join(tmpdir(), 'skillgate-tests-apt.lock');
const installScript = `apt-get --quiet update
exec apt-get --quiet --option DPkg::Lock::Timeout=180 install --yes --no-install-recommends "$0"`;

/** Installs a package of Debian's. @returns why that failed; undefined where it is installed */
export async function installFromDebian(packageName: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'apt-get needs root';
  const { code, output } = await runProgram('flock', [lockFile, 'sh', '-c', installScript, packageName]);
  return code === 0 ? undefined : output.trim();
}
