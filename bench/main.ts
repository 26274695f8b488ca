/**
 * Measures what Skillgate costs beside a bare handler. Not for CI: it needs two cores to itself.
 *
 * `npm run bench -- [--rounds 5] [--seconds 4] [--connections 64]
 *   [--only throughput,latency,startup,batching,tensors,jobs,rabbitmq,redis]
 *   [--soak-minutes 10] [--profile misses|hits]`
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { batchingRows } from './batching.ts';
import { brokerJobRows } from './broker-jobs.ts';
import { root, startBareGateway, startSkillgate } from './gateways.ts';
import { jobRows } from './jobs.ts';
import { closedLoop, type NextRequest } from './load.ts';
import { buildSkillgate, takeCore } from './machine.ts';
import { startModelServer } from './model-server.ts';
import { hottestFunctions, hottestParts, readProfile } from './profile.ts';
import { redisRows } from './redis.ts';
import { keepReport, type Row, renderReport } from './report.ts';
import { latencyRows, soakRows, startupRows, throughputRows } from './rows.ts';
import { collectsOnSignal, soak } from './soak.ts';
import { tensorRows } from './tensors.ts';
import { warmUp } from './throughput.ts';

const allSections = ['throughput', 'latency', 'startup', 'batching', 'tensors', 'jobs', 'rabbitmq', 'redis'];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string', default: allSections.join() },
    'soak-minutes': { type: 'string', default: '0' },
    profile: { type: 'string' },
  },
});
const options = {
  rounds: Number(values.rounds),
  seconds: Number(values.seconds),
  connections: Number(values.connections),
};
const sections = new Set(values.only.split(','));
const soakMinutes = Number(values['soak-minutes']);

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

takeCore('1');
buildSkillgate();
const folder = mkdtempSync(join(tmpdir(), 'skillgate-bench-'));
/** For logs: in memory, where that can be, since a disk that stalls is no gateway's doing. */
const logFolder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : folder, 'skillgate-bench-'));
process.once('exit', () => {
  for (const each of [logFolder, folder]) rmSync(each, { recursive: true });
});
const modelServer = await startModelServer();
const missed = values.profile === undefined ? await measure() : await profile(values.profile);
modelServer.close();
process.exit(missed ? 1 : 0);

/** Runs the chosen sections; tells whether a target was missed. */
async function measure(): Promise<boolean> {
  const rows: Row[] = [];
  const notes: string[] = [];
  const direct = { port: modelServer.port, path: '/predict' };
  const startPair = async (env = {}) =>
    [
      await startBareGateway(modelServer.port),
      await startSkillgate(modelServer.port, logFolder, { env }),
    ] as const;
  if (sections.has('throughput')) {
    const withRateLimit = () => startPair({ RATE_LIMIT_MAX: '1000000000' });
    rows.push(...(await throughputRows(direct, { asMeant: startPair, withRateLimit }, options, notes)));
  }
  if (sections.has('latency')) {
    const [bare, skillgate] = await startPair();
    for (const gateway of [bare, skillgate]) await warmUp(gateway);
    // A percentile of a few seconds swings more than a mean.
    const more = { ...options, rounds: options.rounds * 3 };
    rows.push(...(await latencyRows({ direct, bare, skillgate }, more, notes)));
    for (const gateway of [bare, skillgate]) await gateway.stop();
  }
  if (sections.has('batching')) rows.push(...(await batchingRows(folder, options)));
  if (sections.has('tensors')) rows.push(...(await tensorRows()));
  if (sections.has('startup')) rows.push(...(await startupRows(options.rounds)));
  if (sections.has('jobs')) rows.push(...(await jobRows(modelServer.port, folder, options)));
  if (sections.has('rabbitmq')) rows.push(...(await brokerJobRows(modelServer.port, folder, options)));
  if (sections.has('redis')) rows.push(...(await redisRows(modelServer.port, folder)));
  if (rows.length > 0) await show(rows, notes, 'bench', sections.size === allSections.length);
  const soaked = soakMinutes > 0 ? await runSoak() : [];
  return [...rows, ...soaked].some(({ met }) => met === false);
}

async function runSoak(): Promise<Row[]> {
  const gateway = await startSkillgate(modelServer.port, logFolder, { nodeOptions: collectsOnSignal });
  const rows = soakRows(await soak(gateway, { rate: 500, minutes: soakMinutes }));
  await gateway.stop();
  await show(rows, [], 'soak', soakMinutes >= 10);
  return rows;
}

async function show(rows: readonly Row[], notes: readonly string[], section: string, keep: boolean) {
  const report = renderReport(rows, notes);
  console.log(`\n${report}`);
  if (keep && notes.length === 0) await keepReport(section, report);
  else console.log('\nbench/README.md stays as it was: this run was not whole, or not undisturbed.');
}

/** Profiles Skillgate under load, and prints where its time goes. */
async function profile(kind: string): Promise<boolean> {
  const requests: Record<string, NextRequest> = {
    misses: (source) => source.miss(),
    hits: (source) => source.hit(),
  };
  const next = requests[kind];
  if (next === undefined) throw new Error('--profile takes misses or hits');
  const profiles = join(root, '.cache/profiles');
  await rm(profiles, { recursive: true, force: true });
  await mkdir(profiles, { recursive: true });
  const gateway = await startSkillgate(modelServer.port, folder, {
    nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${profiles}`],
  });
  const { perSecond } = await closedLoop(gateway, next, { connections: options.connections, seconds: 10 });
  await gateway.stop();
  const recorded = await readProfile(profiles);
  console.log(`${kind}: ${Math.round(perSecond)} requests a second under the profiler`);
  console.log(`\nown time of functions\n${hottestFunctions(recorded, 25).join('\n')}`);
  console.log(`\nby part\n${hottestParts(recorded, 15).join('\n')}`);
  return false;
}
