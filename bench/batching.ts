import { join } from 'node:path';
import { openConnection } from './connection.ts';
import { type Gateway, startSkillgate } from './gateways.ts';
import { closedLoop } from './load.ts';
import type { Row } from './report.ts';
import { createRequestSource } from './requests.ts';
import { benchSkill } from './skill.ts';
import { startSlowModelServer } from './slow-model-server.ts';
import { median } from './statistics.ts';
import type { ThroughputOptions } from './throughput.ts';

const targets = { gain: 20, addedMs: 1 };
const callers = 128;
const loneCalls = 300;

/**
 * The throughput that batching gives many callers of a model that takes as long for one row as for 64, and what it
 * costs a lone one.
 */
export async function batchingRows(folder: string, { rounds, seconds }: ThroughputOptions): Promise<Row[]> {
  const server = await startSlowModelServer();
  const start = (name: string, more: object) =>
    startSkillgate(server.port, join(folder, name), { skill: skillOn(server.port, more) });
  const plain = await start('plain', {});
  const batched = await start('batched', { batching: { max_size: 64, max_wait_ms: 10 } });
  let errors = 0;
  const crowd = async (gateway: Gateway, time: number) => {
    const connections = callers;
    const result = await closedLoop(gateway, (source) => source.miss(), { connections, seconds: time });
    errors += result.errors;
    return result.perSecond;
  };

  // The first rounds open the connections and let the batches grow.
  await crowd(plain, 1);
  await crowd(batched, 1);
  const alone: number[] = [];
  const together: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    alone.push(await crowd(plain, seconds));
    together.push(await crowd(batched, seconds));
  }
  const addedMs = await addedToOne(plain, batched);
  await plain.stop();
  await batched.stop();
  server.close();

  const gain = median(together.map((rate, round) => rate / (alone[round] ?? Number.NaN)));
  return [
    { what: `${callers} callers, each call alone`, measured: `${Math.round(median(alone))}/s` },
    { what: `${callers} callers, batched`, measured: `${Math.round(median(together))}/s` },
    {
      what: 'what batching gains',
      measured: `${gain.toFixed(1)} times (median of ${rounds} rounds, ${errors} errors)`,
      target: `at least ${targets.gain} times`,
      met: gain >= targets.gain && errors === 0,
    },
    {
      what: 'what batching adds to a lone caller',
      measured: `${addedMs.toFixed(2)} ms (medians of ${loneCalls} calls)`,
      target: `under ${targets.addedMs} ms`,
      met: addedMs < targets.addedMs,
    },
  ];
}

/** How much longer a lone call takes through the second gateway, in milliseconds. They take turns, call by call. */
async function addedToOne(first: Gateway, second: Gateway): Promise<number> {
  const ways = await Promise.all(
    [first, second].map(async ({ port, path }) => ({
      connection: await openConnection(port),
      source: createRequestSource(path),
      times: [] as number[],
    })),
  );
  for (let call = 0; call < loneCalls; call += 1) {
    for (const { connection, source, times } of ways) {
      const start = performance.now();
      await new Promise((resolve) => connection.send(source.miss(), resolve));
      times.push(performance.now() - start);
    }
  }
  for (const { connection } of ways) connection.close();
  const [without = 0, batched = 0] = ways.map(({ times }) => median(times));
  return batched - without;
}

function skillOn(port: number, more: object): object {
  return {
    ...benchSkill(port),
    endpoint: { protocol: 'tensorflow-serving', url: `http://127.0.0.1:${port}`, model: 'bench' },
    concurrency: { max: callers, queue: 1024 },
    ...more,
  };
}
