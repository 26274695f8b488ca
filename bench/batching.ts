import { join } from 'node:path';
import { type Gateway, startSkillgate } from './gateways.ts';
import { closedLoop } from './load.ts';
import type { Row } from './report.ts';
import { benchSkill } from './skill.ts';
import { startSlowModelServer } from './slow-model-server.ts';
import { median } from './statistics.ts';

const targets = { gain: 20, addedMs: 1 };
const callers = 128;
const loneRounds = 7;

/**
 * The throughput that batching gives many callers of a model that takes as long for one row as for 64, and what it
 * costs a lone one.
 */
export async function batchingRows(folder: string, seconds: number): Promise<Row[]> {
  const server = await startSlowModelServer();
  const start = (name: string, more: object) =>
    startSkillgate(server.port, join(folder, name), { skill: skillOn(server.port, more) });
  const plain = await start('plain', {});
  const batched = await start('batched', { batching: { max_size: 64 } });
  let errors = 0;
  const run = async (gateway: Gateway, connections: number, time: number) => {
    const result = await closedLoop(gateway, (source) => source.miss(), { connections, seconds: time });
    errors += result.errors;
    return result.perSecond;
  };

  // The first rounds open the connections and let the batches grow.
  await run(plain, callers, 1);
  await run(batched, callers, 1);
  const alone = await run(plain, callers, seconds);
  const together = await run(batched, callers, seconds);
  const added: number[] = [];
  for (let round = 0; round < loneRounds; round += 1) {
    const withoutMs = 1000 / (await run(plain, 1, 1));
    added.push(1000 / (await run(batched, 1, 1)) - withoutMs);
  }
  await plain.stop();
  await batched.stop();
  server.close();

  const gain = together / alone;
  const addedMs = median(added);
  return [
    { what: `${callers} callers, each call alone`, measured: `${Math.round(alone)}/s` },
    { what: `${callers} callers, batched`, measured: `${Math.round(together)}/s` },
    {
      what: 'what batching gains',
      measured: `${gain.toFixed(1)} times (${errors} errors)`,
      target: `at least ${targets.gain} times`,
      met: gain >= targets.gain && errors === 0,
    },
    {
      what: 'what batching adds to a lone caller',
      measured: `${addedMs.toFixed(2)} ms (median of ${loneRounds} rounds)`,
      target: `under ${targets.addedMs} ms`,
      met: addedMs < targets.addedMs,
    },
  ];
}

function skillOn(port: number, more: object): object {
  return {
    ...benchSkill(port),
    endpoint: { protocol: 'tensorflow-serving', url: `http://127.0.0.1:${port}`, model: 'bench' },
    concurrency: { max: callers, queue: 1024 },
    ...more,
  };
}
