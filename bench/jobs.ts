import { join } from 'node:path';
import { openConnection } from './connection.ts';
import { type Gateway, startSkillgate } from './gateways.ts';
import { type ClosedLoopResult, closedLoop } from './load.ts';
import { readMetrics } from './metrics.ts';
import type { Row } from './report.ts';
import { createRequestSource, skillName } from './requests.ts';

/** What is asked of accepting jobs, wherever they are kept. */
const targetPerSecond = 3000;
const targetMib = 150;
/** Where jobs are submitted. */
export const jobsPath = `/skills/${skillName}/jobs`;
/** How many jobs fill a queue. */
export const queued = 10_000;
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
  const target = { ...accepting, path: jobsPath };
  const accepted = await closedLoop(target, (source) => source.miss(), { connections, seconds });
  await accepting.stop();

  const kept = join(folder, 'kept');
  const keeping = await startSkillgate(modelServerPort, kept, {
    env: { JOB_CONCURRENCY: '0', JOB_QUEUE_MAX: String(queued) },
  });
  const grown = await fillQueue(keeping, connections);
  await keeping.stop();

  const running = await runQueue(modelServerPort, kept);

  return [
    acceptedRow(`jobs accepted (SQLite, synced, ${connections} connections)`, accepted),
    queueRow(grown),
    { what: `those ${queued.toLocaleString('en')} run by one worker, start included`, measured: running },
  ];
}

/** The row that says how many jobs were accepted a second. */
export function acceptedRow(
  what: string,
  { perSecond, errors }: Pick<ClosedLoopResult, 'perSecond' | 'errors'>,
): Row {
  return {
    what,
    measured: `${Math.round(perSecond).toLocaleString('en')}/s (${errors} errors)`,
    target: `at least ${targetPerSecond.toLocaleString('en')}/s`,
    met: perSecond >= targetPerSecond && errors === 0,
  };
}

/** The row that says what a full queue takes. */
export function queueRow({ beforeMib, afterMib }: Growth): Row {
  return {
    what: `${queued.toLocaleString('en')} queued jobs, growth of the gateway's resident memory`,
    measured: `${(afterMib - beforeMib).toFixed(0)} MiB, ${afterMib.toFixed(0)} MiB in all`,
    target: `under ${targetMib} MiB`,
    met: afterMib - beforeMib < targetMib,
  };
}

/** Empties a full queue with a worker of its own. @returns how long that took */
export async function runQueue(
  modelServerPort: number,
  folder: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const start = performance.now();
  const gateway = await startSkillgate(modelServerPort, folder, { env: { ...env, JOB_CONCURRENCY: '32' } });
  while ((await readMetrics(gateway))('skillgate_jobs{status="succeeded"}') < queued) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const seconds = (performance.now() - start) / 1000;
  await gateway.stop();
  return `${seconds.toFixed(1)} s (${Math.round(queued / seconds).toLocaleString('en')}/s)`;
}

/** What a gateway had of memory before something and after it. */
interface Growth {
  readonly beforeMib: number;
  readonly afterMib: number;
}

/** Fills the queue, and not a job more. */
export async function fillQueue(gateway: Gateway, connections: number): Promise<Growth> {
  const beforeMib = await residentMib(gateway);
  await submit(gateway, connections);
  return { beforeMib, afterMib: await residentMib(gateway) };
}

async function submit({ port }: Gateway, connections: number): Promise<void> {
  let left = queued;
  const open = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  await Promise.all(
    open.map((connection) => {
      const source = createRequestSource(jobsPath);
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
