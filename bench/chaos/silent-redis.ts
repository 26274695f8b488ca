import { join } from 'node:path';
import { startRedis } from '../../test/servers/redis.ts';
import { startRelay } from '../../test/servers/relay.ts';
import { startSkillgate } from '../gateways.ts';
import { type OpenLoopResult, openLoop } from '../load.ts';
import { startModelServer } from '../model-server.ts';
import type { Row } from '../report.ts';

const load = { rate: 300, seconds: 5 };
const targetMs = 20;

/** Calls at a steady rate: without Redis, and through a Redis that falls silent as they begin. */
export async function silentRedisRows(folder: string): Promise<Row[]> {
  const model = await startModelServer();
  const alone = await startSkillgate(model.port, join(folder, 'alone'));
  await openLoop(alone, (source) => source.miss(), { ...load, seconds: 1 });
  const without = await openLoop(alone, (source) => source.miss(), load);
  await alone.stop();

  const redis = await startRedis();
  const relay = await startRelay(redis.port);
  const env = { REDIS_URL: `redis://127.0.0.1:${relay.port}` };
  const gateway = await startSkillgate(model.port, join(folder, 'silent'), { env });
  await openLoop(gateway, (source) => source.miss(), { ...load, seconds: 1 });
  relay.setAnswering(false);
  const silent = await openLoop(gateway, (source) => source.miss(), load);
  await gateway.stop();
  await relay.close();
  await redis.close();
  model.close();

  const added = silent.p99Ms - without.p99Ms;
  const what = `calls at ${load.rate}/s`;
  return [
    { what: `${what}, without Redis`, measured: figures(without) },
    { what: `${what}, Redis falls silent`, measured: figures(silent) },
    {
      what: 'p99 that a silent Redis adds',
      measured: `${added.toFixed(1)} ms, ${silent.errors} errors`,
      target: `at most ${targetMs} ms, 0 errors`,
      met: added <= targetMs && silent.errors === 0,
    },
  ];
}

function figures({ p50Ms, p99Ms }: OpenLoopResult): string {
  return `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms`;
}
