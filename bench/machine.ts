import { spawnSync } from 'node:child_process';
import { root } from './gateways.ts';

/** Moves this process, which is model server and load, to a core. */
export function takeCore(core: string): void {
  const { status, stderr } = spawnSync('taskset', ['--all-tasks', '-cp', core, String(process.pid)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`two cores and taskset are needed: ${stderr}`);
}

/** Compiles the code, since that is what the image runs. */
export function buildSkillgate(): void {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
}
