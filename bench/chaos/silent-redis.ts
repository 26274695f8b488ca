import { join } from 'node:path';
import { type RedisServer, startRedis } from '../../test/servers/redis.ts';
import { startRelay } from '../../test/servers/relay.ts';
import { startSkillgate } from '../gateways.ts';
import { type OpenLoopResult, openLoop, type Target } from '../load.ts';
import { startModelServer } from '../model-server.ts';
import type { Row } from '../report.ts';
import { median } from '../statistics.ts';

const rounds = 5;
const rate = 300;
const roundSeconds = 2;
const targetMs = 20;

/**
 * Calls at a steady rate, by turns to a gateway without Redis and to one whose Redis falls silent as they begin. The
 * median of neighbouring rounds counts, since a machine has other things to do now and then.
 */
export async function silentRedisRows(folder: string): Promise<Row[]> {
  const model = await startModelServer();
  const redis = await startRedis();
  const alone = await startSkillgate(model.port, join(folder, 'alone'));
  await call(alone, 1);
  const without: OpenLoopResult[] = [];
  const silent: OpenLoopResult[] = [];
  for (let round = 0; round < rounds; round += 1) {
    without.push(await call(alone, roundSeconds));
    silent.push(await callInSilence(model.port, join(folder, `silent-${round}`), redis));
  }
  await alone.stop();
  await redis.close();
  model.close();

  const added = median(silent.map(({ p99Ms }, round) => p99Ms - (without[round]?.p99Ms ?? 0)));
  const errors = silent.reduce((sum, result) => sum + result.errors, 0);
  return [
    { what: `calls at ${rate}/s, without Redis`, measured: figures(without) },
    { what: `calls at ${rate}/s, Redis falls silent`, measured: figures(silent) },
    {
      what: 'p99 that a silent Redis adds',
      measured: `${added.toFixed(1)} ms (median of ${rounds} rounds), ${errors} errors`,
      target: `at most ${targetMs} ms, 0 errors`,
      met: added <= targetMs && errors === 0,
    },
  ];
}

async function callInSilence(modelPort: number, folder: string, redis: RedisServer): Promise<OpenLoopResult> {
  const relay = await startRelay(redis.port);
  const env = { REDIS_URL: `redis://127.0.0.1:${relay.port}` };
  const gateway = await startSkillgate(modelPort, folder, { env });
  await call(gateway, 1);
  relay.setAnswering(false);
  const result = await call(gateway, roundSeconds);
  await gateway.stop();
  await relay.close();
  return result;
}

function call(gateway: Target, seconds: number): Promise<OpenLoopResult> {
  return openLoop(gateway, (source) => source.miss(), { rate, seconds });
}

function figures(results: readonly OpenLoopResult[]): string {
  const [p50, p99] = [median(results.map(({ p50Ms }) => p50Ms)), median(results.map(({ p99Ms }) => p99Ms))];
  return `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`;
}
