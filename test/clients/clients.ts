import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Where scripts/test-clients.ts installs the pinned clients. */
const packages = join(import.meta.dirname, '../../.cache/clients/node_modules');

/** A file of an installed client. */
export function clientFile(path: string): string {
  return join(packages, path);
}

export interface Ended {
  /** 0 where all went well; what ended it where no code did. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end, with this environment alone and nothing on standard input. A program that takes too long
 * is ended.
 */
export function run(
  program: string,
  args: readonly string[],
  { env = {}, cwd, timeoutMs = 60_000 }: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      program,
      args,
      {
        env: { PATH: process.env.PATH, ...env },
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 ** 2,
        ...(cwd !== undefined && { cwd }),
      },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 'unknown'), stdout, stderr }),
    );
    child.stdin?.end();
  });
}

/** A folder that is empty, and gone after the test. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'skillgate-clients-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
