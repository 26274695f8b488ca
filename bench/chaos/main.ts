/**
 * Kills, starves and silences a running Skillgate, and counts what became of what it had promised. Not for CI.
 *
 * `npm run chaos -- [--jobs 2000] [--kills 5] [--only sqlite,rabbitmq,silent-redis,stampede]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { buildSkillgate } from '../machine.ts';
import { keepReport, type Row, renderReport } from '../report.ts';
import { manyProcessesRows } from './many-processes.ts';
import { type ChaosOptions, oneProcessRows } from './one-process.ts';
import { silentRedisRows } from './silent-redis.ts';
import { stampedeRows } from './stampede.ts';

type Part = (folder: string, options: ChaosOptions) => Promise<readonly Row[]>;

const parts: Readonly<Record<string, Part>> = {
  sqlite: oneProcessRows,
  rabbitmq: manyProcessesRows,
  'silent-redis': silentRedisRows,
  stampede: stampedeRows,
};
const whole = { jobs: 2000, kills: 5 };

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: String(whole.jobs) },
    kills: { type: 'string', default: String(whole.kills) },
    only: { type: 'string', default: Object.keys(parts).join() },
  },
});
const options: ChaosOptions = { jobs: Number(values.jobs), kills: Number(values.kills) };
const chosen = values.only.split(',');
const isWhole =
  options.jobs >= whole.jobs &&
  options.kills >= whole.kills &&
  Object.keys(parts).every((name) => chosen.includes(name));

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

buildSkillgate();
const folder = mkdtempSync(join(tmpdir(), 'skillgate-chaos-'));
process.once('exit', () => rmSync(folder, { recursive: true }));
const rows: Row[] = [];
for (const name of chosen) {
  const part = parts[name];
  if (part === undefined) throw new Error(`--only takes ${Object.keys(parts).join(', ')}`);
  rows.push(...(await part(join(folder, name), options)));
}
const report = renderReport(rows, []);
console.log(`\n${report}`);
if (isWhole) await keepReport('chaos', report);
else console.log('\nbench/README.md stays as it was: this run was not whole.');
process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;
