import { join } from 'node:path';
import { openConnection } from './connection.ts';
import { type Gateway, startSkillgate } from './gateways.ts';
import { closedLoop } from './load.ts';
import { readMetrics } from './metrics.ts';
import type { Row } from './report.ts';
import { createRequestSource, skillName } from './requests.ts';

const targets = { perSecond: 3000, queuedMib: 150 };
const path = `/skills/${skillName}/jobs`;
const queued = 10_000;
const mib = 1024 * 1024;

/** What accepting, keeping and running jobs costs on SQLite. */
export async function jobRows(
  modelServerPort: number,
  folder: string,
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Row[]> {
  const accepting = await startSkillgate(modelServerPort, folder, {
    env: { JOB_CONCURRENCY: '0', JOB_QUEUE_MAX: '10000000' },
  });
  const { perSecond, errors } = await closedLoop({ ...accepting, path }, (source) => source.miss(), {
    connections,
    seconds,
  });
  await accepting.stop();

  const kept = join(folder, 'kept');
  const keeping = await startSkillgate(modelServerPort, kept, {
    env: { JOB_CONCURRENCY: '0', JOB_QUEUE_MAX: String(queued) },
  });
  const before = await residentMib(keeping);
  await submit(keeping, connections);
  const after = await residentMib(keeping);
  await keeping.stop();

  const start = performance.now();
  const running = await startSkillgate(modelServerPort, kept, { env: { JOB_CONCURRENCY: '32' } });
  while ((await readMetrics(running))('skillgate_jobs{status="succeeded"}') < queued) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const runSeconds = (performance.now() - start) / 1000;
  await running.stop();

  return [
    {
      what: `jobs accepted (SQLite, synced, ${connections} connections)`,
      measured: `${Math.round(perSecond).toLocaleString('en')}/s (${errors} errors)`,
      target: `at least ${targets.perSecond.toLocaleString('en')}/s`,
      met: perSecond >= targets.perSecond && errors === 0,
    },
    {
      what: `${queued.toLocaleString('en')} queued jobs, growth of resident memory`,
      measured: `${(after - before).toFixed(0)} MiB, ${after.toFixed(0)} MiB in all`,
      target: `under ${targets.queuedMib} MiB`,
      met: after - before < targets.queuedMib,
    },
    {
      what: `those ${queued.toLocaleString('en')} run by one worker, start included`,
      measured: `${runSeconds.toFixed(1)} s (${Math.round(queued / runSeconds).toLocaleString('en')}/s)`,
    },
  ];
}

/** Fills the queue, and not a job more. */
async function submit({ port }: Gateway, connections: number): Promise<void> {
  let left = queued;
  const open = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  await Promise.all(
    open.map((connection) => {
      const source = createRequestSource(path);
      return new Promise<void>((resolve, reject) => {
        const next = (status: number) => {
          if (status !== 202) return reject(new Error(`a job was answered with ${status}`));
          if (left === 0) return resolve();
          left -= 1;
          connection.send(source.miss(), next);
        };
        next(202);
      });
    }),
  );
  for (const connection of open) connection.close();
}

async function residentMib(gateway: Gateway): Promise<number> {
  return (await readMetrics(gateway))('process_resident_memory_bytes') / mib;
}
