/**
 * Measures what Skillgate costs beside a bare handler. Not for CI: it needs two cores to itself.
 *
 * `npm run bench -- [--rounds 5] [--seconds 4] [--connections 64] [--only throughput,latency,startup,batching,tensors]
 *   [--soak-minutes 10] [--profile misses|hits]`
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { batchingRows } from './batching.ts';
import { root, startBareGateway, startSkillgate } from './gateways.ts';
import { closedLoop, type NextRequest } from './load.ts';
import { startModelServer } from './model-server.ts';
import { hottestFunctions, readProfile } from './profile.ts';
import { keepReport, type Row, renderReport } from './report.ts';
import { latencyRows, soakRows, startupRows, throughputRows } from './rows.ts';
import { soak } from './soak.ts';
import { tensorRows } from './tensors.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    only: { type: 'string', default: 'throughput,latency,startup,batching,tensors' },
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

const farCore = '1';
pin(farCore);
build();
const folder = await mkdtemp(join(tmpdir(), 'skillgate-bench-'));
const modelServer = await startModelServer();
let missed: boolean;
try {
  missed = values.profile === undefined ? await measure() : await profile(values.profile);
} finally {
  modelServer.close();
  await rm(folder, { recursive: true });
}
process.exit(missed ? 1 : 0);

/** Moves this process, which is model server and load, to a core. */
function pin(core: string): void {
  const { status, stderr } = spawnSync('taskset', ['--all-tasks', '-cp', core, String(process.pid)], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`two cores and taskset are needed: ${stderr}`);
}

function build(): void {
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('the build failed');
}

/** Runs the chosen sections; tells whether a target was missed. */
async function measure(): Promise<boolean> {
  const rows: Row[] = [];
  const notes: string[] = [];
  if (sections.has('throughput') || sections.has('latency')) {
    const direct = { port: modelServer.port, path: '/predict' };
    const bare = await startBareGateway(modelServer.port);
    const skillgate = await startSkillgate(modelServer.port, folder);
    if (sections.has('throughput'))
      rows.push(...(await throughputRows(direct, bare, skillgate, options, notes)));
    if (sections.has('latency'))
      rows.push(...(await latencyRows({ direct, bare, skillgate }, options, notes)));
    await bare.stop();
    await skillgate.stop();
  }
  if (sections.has('batching')) rows.push(...(await batchingRows(folder, options)));
  if (sections.has('tensors')) rows.push(...(await tensorRows()));
  if (sections.has('startup')) rows.push(...(await startupRows(options.rounds)));
  if (rows.length > 0) await show(rows, notes, 'bench', sections.size === 5);
  const soaked = soakMinutes > 0 ? await runSoak() : [];
  return [...rows, ...soaked].some(({ met }) => met === false);
}

async function runSoak(): Promise<Row[]> {
  const gateway = await startSkillgate(modelServer.port, folder);
  const rows = soakRows(await soak(gateway, { rate: 500, minutes: soakMinutes }));
  await gateway.stop();
  await show(rows, [], 'soak', true);
  return rows;
}

async function show(rows: readonly Row[], notes: readonly string[], section: string, keep: boolean) {
  const report = renderReport(rows, notes);
  console.log(`\n${report}`);
  if (keep) await keepReport(section, report);
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
  const gateway = await startSkillgate(modelServer.port, folder, [
    '--cpu-prof',
    `--cpu-prof-dir=${profiles}`,
  ]);
  const { perSecond } = await closedLoop(gateway, next, { connections: options.connections, seconds: 10 });
  await gateway.stop();
  console.log(
    `${kind}: ${Math.round(perSecond)} requests a second under the profiler; own time of functions:`,
  );
  console.log(hottestFunctions(await readProfile(profiles), 25).join('\n'));
  return false;
}
