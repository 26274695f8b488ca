/**
 * Installs real model servers, points the gateway at them, and shows how they get on with each other.
 *
 * `npm run interop -- [--only triton,mlserver,llama,torchserve] [--keep]`
 *
 * `--keep` writes the table to docs/interop.md, and what the servers answered to the fixtures of the tests. Everything
 * that is downloaded or made stands in .cache/interop; everything that is started is stopped.
 */
import { parseArgs } from 'node:util';
import { checks, type Finding, type Scene } from './checks.ts';
import { startGateway } from './gateway.ts';
import { llama } from './llama/server.ts';
import { mlserver } from './mlserver/server.ts';
import type { Door, ModelServer } from './model-server.ts';
import { stopAll } from './processes.ts';
import { createRecorder } from './recorder.ts';
import { keepReports, renderReports, type ServerReport } from './report.ts';
import { torchserve } from './torchserve/server.ts';
import { triton } from './triton/server.ts';

const servers: Readonly<Record<string, ModelServer>> = { triton, mlserver, llama, torchserve };

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(servers).join(',') },
    keep: { type: 'boolean', default: false },
  },
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stopAll().then(() => process.exit(130)));
}

const reports: ServerReport[] = [];
try {
  for (const id of values.only.split(',')) {
    const server = servers[id];
    if (server === undefined) throw new Error(`--only takes ${Object.keys(servers).join(', ')}`);
    reports.push(...(await look(id, server)));
  }
  console.log(renderReports(reports));
  if (values.keep) await keepReports(reports);
} finally {
  await stopAll();
}
process.exitCode = reports.some(hasFault) ? 1 : 0;

/** Starts a server, looks at each of its doors, and stops it. */
async function look(id: string, server: ModelServer): Promise<ServerReport[]> {
  try {
    const { version, doors } = await server.start();
    const gateway = await startGateway(
      id,
      doors.flatMap(({ skills }) => skills),
    );
    const found: ServerReport[] = [];
    for (const door of doors) {
      const recorder = createRecorder(door);
      const findings = await runChecks(`${version}, ${door.name}`, { door, gateway, recorder });
      if (values.keep) await recorder.keep(fileOf(id, door), { server: version, source: server.source });
      found.push({ server: version, source: `${server.source}, ${door.name}`, findings });
    }
    return found;
  } catch (error) {
    const findings = error instanceof Error ? error.message : String(error);
    console.log(`${server.name}: ${findings}`);
    return [{ server: server.name, source: server.source, findings }];
  } finally {
    await stopAll();
  }
}

async function runChecks(title: string, scene: Scene): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { name, run } of checks) {
    const finding = await run(scene).catch(
      (error: unknown): Finding => ({ verdict: 'fault', found: String(error) }),
    );
    console.log(`${title}: ${name}: ${finding.verdict}: ${finding.found}`);
    findings.push(finding);
  }
  return findings;
}

function fileOf(id: string, door: Door): string {
  return `${id}-${door.name.toLowerCase()}`;
}

function hasFault({ findings }: ServerReport): boolean {
  return typeof findings !== 'string' && findings.some(({ verdict }) => verdict === 'fault');
}
