/**
 * Runs every static check, all of them even when one fails: a line for each, and a tool's own output where it fails.
 *
 * `--report FILE` also writes the counts, as `{"passed": N, "failed": N}`, for .ci/run.
 */
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';

interface Check {
  /** What is true when it passes. */
  readonly name: string;
  /** A program of node_modules/.bin, and its arguments. */
  readonly command: readonly [string, ...string[]];
}

const checks: readonly Check[] = [
  { name: 'types fit', command: ['tsc', '--project', '.'] },
  { name: 'format and lint', command: ['biome', 'check', '--error-on-warnings', '.'] },
  { name: 'imports keep to the house', command: ['node', 'scripts/check-imports.ts'] },
  { name: 'nothing is unused', command: ['knip'] },
  { name: '.env.example is in step', command: ['node', 'scripts/generate-env-example.ts', '--check'] },
  { name: 'the skill schema is in step', command: ['node', 'scripts/generate-skill-schema.ts', '--check'] },
  { name: 'docs/errors.md is in step', command: ['node', 'scripts/generate-error-docs.ts', '--check'] },
];

const root = join(import.meta.dirname, '..');
const environment = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` };

/** Runs a check; resolves to its output where it failed, undefined where it passed. */
function run([program, ...args]: Check['command']): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.on('error', (error) => resolve(String(error)));
    child.on('close', (code, signal) => {
      resolve(code === 0 ? undefined : `${output}\n${program} ended with ${code ?? signal}`);
    });
  });
}

const { values } = parseArgs({ options: { report: { type: 'string' } } });
let failed = 0;
for (const { name, command } of checks) {
  const start = performance.now();
  const output = await run(command);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`${output === undefined ? '✓' : '✗'} ${name} (${seconds} s)`);
  if (output === undefined) continue;
  failed += 1;
  console.log(output.trimEnd().replace(/^/gm, '    '));
}

const passed = checks.length - failed;
console.log(`${passed} checks passed, ${failed} failed`);
if (values.report !== undefined) {
  await mkdir(dirname(values.report), { recursive: true });
  await writeFile(values.report, JSON.stringify({ passed, failed }));
}
process.exitCode = failed === 0 ? 0 : 1;
