/**
 * Installs the real clients and runs the tests that need them (test/clients). What npm has goes into .cache/clients, as
 * test/clients/pinned says; Chromium and curl are Debian's.
 *
 * Arguments go to vitest: `npm run test:clients -- docs-page`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const pinned = join(root, 'test/clients/pinned');
const cache = join(root, '.cache/clients');
/** Holds the lock file of what was installed to the end. */
const installedMark = join(cache, 'installed.json');

/** @throws Error where the program cannot be run or fails */
async function run(program: string, args: readonly string[], cwd = root): Promise<void> {
  const code = await exitCodeOf(program, args, cwd);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}`);
}

/** The exit code of a program; 1 where a signal ended it. */
async function exitCodeOf(program: string, args: readonly string[], cwd: string): Promise<number> {
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  const [code]: (number | null)[] = await once(child, 'exit');
  return code ?? 1;
}

/** The npm that runs this, on its own Node rather than on the one that package.json pins. */
function npm(args: readonly string[], cwd: string): Promise<void> {
  const { npm_execpath: script, npm_node_execpath: node } = process.env;
  return script !== undefined && node !== undefined
    ? run(node, [script, ...args], cwd)
    : run('npm', args, cwd);
}

async function installPinned(): Promise<void> {
  const lock = await readFile(join(pinned, 'package-lock.json'), 'utf8');
  if ((await readFile(installedMark, 'utf8').catch(() => undefined)) === lock) return;
  await mkdir(cache, { recursive: true });
  await cp(pinned, cache, { recursive: true });
  // No install scripts but the one that puts Claude Code's program in its place.
  await npm(['ci', '--ignore-scripts', '--no-audit', '--no-fund'], cache);
  await run(process.execPath, ['install.cjs'], join(cache, 'node_modules/@anthropic-ai/claude-code'));
  await writeFile(installedMark, lock);
}

async function installFromDebian(packages: readonly string[]): Promise<void> {
  const found = await Promise.all(packages.map((name) => stat(`/usr/bin/${name}`).catch(() => undefined)));
  const missing = packages.filter((_name, index) => found[index] === undefined);
  if (missing.length === 0) return;
  console.log(`Installing ${missing.join(', ')} from Debian; without root, install them by hand.`);
  await run('apt-get', ['update', '--quiet']);
  await run('apt-get', ['install', '--quiet', '--yes', '--no-install-recommends', ...missing]);
}

await installPinned();
await installFromDebian(['chromium', 'curl']);
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const tests = ['run', '--config', 'test/clients/vitest.config.ts', ...process.argv.slice(2)];
process.exitCode = await exitCodeOf(process.execPath, [vitest, ...tests], root);
