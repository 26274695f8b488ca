import { join } from 'node:path';
import { startRedis } from '../test/servers/redis.ts';
import { openConnection } from './connection.ts';
import { type Gateway, startSkillgate } from './gateways.ts';
import { readMetrics } from './metrics.ts';
import type { Row } from './report.ts';
import { postBytes, skillName } from './requests.ts';
import { percentile } from './statistics.ts';

const answers = 2000;
const targetMs = 1;

/** What an answer costs that another gateway has left in Redis, beside one in memory and one of the model. */
export async function redisRows(modelServerPort: number, folder: string): Promise<Row[]> {
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, CACHE_MAX_ENTRIES: String(answers) };
  const asking = await startSkillgate(modelServerPort, join(folder, 'asking'), { env });
  const misses = await latencies(asking);
  await asking.stop();

  const answering = await startSkillgate(modelServerPort, join(folder, 'answering'), { env });
  const shared = await latencies(answering);
  const own = await latencies(answering);
  const sharedHits = (await readMetrics(answering))(
    `skillgate_cache_requests_total{skill="${skillName}",level="redis",result="hit"}`,
  );
  await answering.stop();
  await redis.close();

  const p50 = percentile(shared, 0.5);
  return [
    row('asked of the model, and left in Redis', misses),
    {
      ...row(`found in Redis (${sharedHits} of ${answers})`, shared),
      target: `p50 under ${targetMs} ms`,
      met: p50 < targetMs && sharedHits >= 0.99 * answers,
    },
    row('found in memory after that', own),
  ];
}

function row(what: string, sorted: Float64Array): Row {
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(sorted, share).toFixed(2));
  return { what: `answers one after another, ${what}`, measured: `p50 ${p50} ms, p99 ${p99} ms` };
}

/** Asks the same questions one after another. @returns what each took, in milliseconds, in rising order */
async function latencies({ port, path }: Gateway): Promise<Float64Array> {
  const connection = await openConnection(port);
  const times = new Float64Array(answers);
  for (let number = 0; number < answers; number += 1) {
    const request = postBytes(path, {
      language: 'fr',
      text: `Le petit prince habite une planète à peine ${number}`,
    });
    const startedAt = performance.now();
    const status = await new Promise<number>((resolve) => connection.send(request, resolve));
    times[number] = performance.now() - startedAt;
    if (status !== 200) throw new Error(`a call was answered with ${status}`);
  }
  connection.close();
  return times.sort();
}
