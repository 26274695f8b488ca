/**
 * Kills and starves a running Skillgate, and counts what became of the jobs that it had accepted. Not for CI.
 *
 * `npm run chaos -- [--jobs 2000] [--kills 5]`
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { freePort, root } from '../gateways.ts';
import { type Row, renderReport } from '../report.ts';
import { judge, submitAll } from './jobs.ts';
import { startUnreliableModel } from './model.ts';
import { startVictim } from './process.ts';

const { values } = parseArgs({
  options: { jobs: { type: 'string', default: '2000' }, kills: { type: 'string', default: '5' } },
});
const jobCount = Number(values.jobs);
const kills = Number(values.kills);
const skill = 'unreliable';

if (spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' }).status !== 0) {
  throw new Error('the build failed');
}
const folder = await mkdtemp(join(tmpdir(), 'skillgate-chaos-'));
try {
  const rows = await oneProcess();
  console.log(`\n${renderReport(rows, [])}`);
  process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;
} finally {
  await rm(folder, { recursive: true });
}

/** SQLite, and one process that is gateway and worker, killed again and again. */
async function oneProcess(): Promise<readonly Row[]> {
  const model = await startUnreliableModel();
  const port = await freePort();
  const skills = join(folder, 'skills');
  await mkdir(skills);
  await writeFile(join(skills, `${skill}.json`), JSON.stringify(definition(model.port)));
  const victim = await startVictim('serve', {
    PORT: String(port),
    SKILLS_DIR: skills,
    DATA_DIR: join(folder, 'data'),
    JOB_LEASE_MS: '2000',
    JOB_RETRY_BASE_MS: '50',
  });
  const url = `http://127.0.0.1:${port}`;
  const start = performance.now();
  const killing = killEvenly();
  const jobs = await submitAll(url, skill, jobCount);
  await killing;
  const verdict = await judge(url, jobs, model);
  const seconds = (performance.now() - start) / 1000;
  await victim.stop();
  model.close();

  const what = `SQLite, one process killed ${kills} times`;
  return [
    {
      what: `${what}: jobs accepted, ended`,
      measured: `${verdict.accepted}, ${verdict.succeeded + verdict.failed} (${verdict.succeeded} succeeded, ${verdict.failed} failed)`,
      target: `${jobCount}, ${jobCount}`,
      met: verdict.accepted === jobCount && verdict.succeeded + verdict.failed === jobCount,
    },
    { what: `${what}: lost`, measured: `${verdict.lost}`, target: '0', met: verdict.lost === 0 },
    {
      what: `${what}: ended twice or with two results`,
      measured: `${verdict.torn}`,
      target: '0',
      met: verdict.torn === 0,
    },
    {
      what: `${what}: took`,
      measured: `${seconds.toFixed(1)} s, ${model.calls} calls of the model, ${verdict.repeated} jobs in more than one run`,
    },
  ];

  /** Kills at even shares of the work, each time after the model has been called so often. */
  async function killEvenly(): Promise<void> {
    for (let kill = 1; kill <= kills; kill += 1) {
      while (model.calls < (kill * jobCount) / (kills + 1)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await victim.kill();
    }
  }
}

/** A skill that leaves trying again to the jobs. */
function definition(modelPort: number): object {
  return {
    name: skill,
    description: 'Fails a fifth of the calls.',
    input_schema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    output_schema: { type: 'object' },
    endpoint: { url: `http://127.0.0.1:${modelPort}/predict` },
    retry: { max_attempts: 1 },
    breaker: { failures: 1000 },
  };
}
