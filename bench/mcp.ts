/**
 * Measures MCP over HTTP: tools/call a second on one core, past the SDK's dispatcher and through it, and tools/list of
 * a hundred skills. Not for CI: it needs two cores to itself.
 *
 * `npm run bench:mcp -- [--seconds 4] [--connections 64] [--profile sdk|direct]`
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openConnection } from './connection.ts';
import { type Gateway, startSkillgate } from './gateways.ts';
import { closedLoop, type NextRequest, type Target } from './load.ts';
import { buildSkillgate, takeCore } from './machine.ts';
import { startModelServer } from './model-server.ts';
import { hottestFunctions, readProfile } from './profile.ts';
import { type Row, renderReport } from './report.ts';
import { postBytes, skillName } from './requests.ts';
import { benchSkill } from './skill.ts';
import { percentile } from './statistics.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    connections: { type: 'string', default: '64' },
    profile: { type: 'string' },
  },
});
const load = { seconds: Number(values.seconds), connections: Number(values.connections) };
const leastPerSecond = 6000;
const mostListMs = 5;

/** Who does not say that it takes event streams is answered by the SDK's dispatcher. */
const lanes: Readonly<Record<string, string>> = {
  direct: 'application/json, text/event-stream',
  sdk: '*/*',
};

let counter = 0;

const envelope = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
};

takeCore('1');
buildSkillgate();
const folder = await mkdtemp(join(tmpdir(), 'skillgate-bench-'));
const modelServer = await startModelServer();
let rows: Row[] = [];
try {
  if (values.profile === undefined) rows = [...(await callRows()), await listRow()];
  else await profile(values.profile);
} finally {
  modelServer.close();
  await rm(folder, { recursive: true });
}
if (rows.length > 0) console.log(`\n${renderReport(rows, [])}`);
process.exit(rows.some(({ met }) => met === false) ? 1 : 0);

async function callRows(): Promise<Row[]> {
  const gateway = await startSkillgate(modelServer.port, folder);
  const tools = { port: gateway.port, path: '/mcp' };
  const measured: Row[] = [
    // What MCP adds is the difference to the same call over REST.
    await callRow('POST /skills/{name}, misses', gateway, gateway, (source) => source.miss()),
    await callRow('tools/call through the SDK, misses', gateway, tools, calls('sdk', false)),
    await callRow('tools/call, misses', gateway, tools, calls('direct', false), leastPerSecond),
    await callRow('tools/call through the SDK, hits', gateway, tools, calls('sdk', true)),
    await callRow('tools/call, hits', gateway, tools, calls('direct', true), leastPerSecond),
  ];
  await gateway.stop();
  return measured;
}

async function callRow(
  what: string,
  gateway: Gateway,
  target: Target,
  next: NextRequest,
  least?: number,
): Promise<Row> {
  await closedLoop(target, next, { ...load, seconds: 2 });
  const busyBefore = await gateway.cpuSeconds();
  const { perSecond, requests, errors } = await closedLoop(target, next, load);
  const microseconds = (((await gateway.cpuSeconds()) - busyBefore) / requests) * 1e6;
  return {
    what,
    measured: `${Math.round(perSecond)} /s, ${microseconds.toFixed(0)} µs of processor each, ${errors} errors`,
    ...(least !== undefined && {
      target: `at least ${least} /s`,
      met: perSecond >= least && errors === 0,
    }),
  };
}

async function listRow(): Promise<Row> {
  const skills = join(folder, 'skills');
  for (let index = 1; index < 100; index += 1) {
    const skill = { ...benchSkill(modelServer.port), name: `${skillName}_${index}` };
    await writeFile(join(skills, `${skill.name}.json`), JSON.stringify(skill));
  }
  const gateway = await startSkillgate(modelServer.port, folder);
  const connection = await openConnection(gateway.port);
  const request = postBytes('/mcp', message('tools/list', {}), headers('tools/list', 'direct'));
  const times: number[] = [];
  for (let turn = 0; turn < 300; turn += 1) {
    const start = performance.now();
    const status = await new Promise((resolve) => connection.send(request, resolve));
    if (status !== 200) throw new Error(`tools/list answered ${status}`);
    times.push(performance.now() - start);
  }
  connection.close();
  await gateway.stop();
  const [first = 0] = times;
  const p99 = percentile(Float64Array.from(times.slice(1)).sort(), 0.99);
  return {
    what: 'tools/list of 100 skills',
    measured: `99th percentile ${p99.toFixed(2)} ms; the very first ${first.toFixed(0)} ms`,
    target: `under ${mostListMs} ms`,
    met: p99 < mostListMs,
  };
}

/** Makes calls of the bench skill, each with its own input or all with the same. */
function calls(lane: string, repeated: boolean): () => Buffer {
  const marker = '0000000000';
  const params = { name: skillName, arguments: { language: 'fr', text: `Le petit prince ${marker}` } };
  const template = postBytes('/mcp', message('tools/call', params), [
    ...headers('tools/call', lane),
    `mcp-name: ${skillName}`,
  ]);
  const at = template.indexOf(marker);
  return () => {
    if (repeated) return template;
    counter += 1;
    const bytes = Buffer.from(template);
    bytes.write(String(counter).padStart(marker.length, '0'), at, 'latin1');
    return bytes;
  };
}

function headers(method: string, lane: string): string[] {
  return [`accept: ${lanes[lane]}`, 'mcp-protocol-version: 2026-07-28', `mcp-method: ${method}`];
}

function message(method: string, params: object): object {
  return { jsonrpc: '2.0', id: 1, method, params: { ...params, _meta: envelope } };
}

/** Profiles one of the ways, and prints where its time goes. */
async function profile(lane: string): Promise<void> {
  if (lanes[lane] === undefined) throw new Error('--profile takes sdk or direct');
  const profiles = join(import.meta.dirname, '../.cache/profiles');
  await rm(profiles, { recursive: true, force: true });
  await mkdir(profiles, { recursive: true });
  const gateway = await startSkillgate(modelServer.port, folder, {
    nodeOptions: ['--cpu-prof', `--cpu-prof-dir=${profiles}`],
  });
  const target = { port: gateway.port, path: '/mcp' };
  const { perSecond } = await closedLoop(target, calls(lane, false), { ...load, seconds: 8 });
  await gateway.stop();
  console.log(`${lane}: ${Math.round(perSecond)} calls a second under the profiler; own time of functions:`);
  console.log(hottestFunctions(await readProfile(profiles), 40).join('\n'));
}
