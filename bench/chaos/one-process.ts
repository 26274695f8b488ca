import { join } from 'node:path';
import { freePort } from '../gateways.ts';
import type { Row } from '../report.ts';
import { strikeEvenly } from './faults.ts';
import { judge, submitAll } from './jobs.ts';
import { startUnreliableModel } from './model.ts';
import { startVictim } from './process.ts';
import { skillName, writeSkill } from './skill.ts';
import { verdictRows } from './verdict-rows.ts';

export interface ChaosOptions {
  readonly jobs: number;
  /** How often a process that runs jobs is killed. */
  readonly kills: number;
}

/** SQLite, and one process that is gateway and worker, killed again and again. */
export async function oneProcessRows(folder: string, { jobs: count, kills }: ChaosOptions): Promise<Row[]> {
  const model = await startUnreliableModel();
  const port = await freePort();
  const victim = await startVictim('serve', {
    PORT: String(port),
    SKILLS_DIR: await writeSkill(folder, model.port),
    DATA_DIR: join(folder, 'data'),
    JOB_LEASE_MS: '2000',
    JOB_RETRY_BASE_MS: '50',
  });
  const urls = [`http://127.0.0.1:${port}`];
  const start = performance.now();
  const faults = Array.from({ length: kills }, () => victim.kill);
  const [jobs] = await Promise.all([submitAll(urls, skillName, count), strikeEvenly(faults, model, count)]);
  const verdict = await judge(urls, jobs, model);
  const seconds = (performance.now() - start) / 1000;
  await victim.stop();
  model.close();
  return verdictRows(`SQLite, one process killed ${kills} times`, count, verdict, model, seconds);
}
