import { createServer } from 'node:http';
import { join } from 'node:path';
import { listen } from '../../test/servers/listen.ts';
import { startRedis } from '../../test/servers/redis.ts';
import { startSkillgate } from '../gateways.ts';
import type { Row } from '../report.ts';
import { apiKey, skillName } from '../requests.ts';
import { inputSchema } from '../skill.ts';

const gatewayCount = 2;
const callsEach = 100;
const answerMs = 200;

/** The same cold input at two gateways, a hundred times each and all at once. */
export async function stampedeRows(folder: string): Promise<Row[]> {
  const redis = await startRedis();
  const text = 'asked by everybody';
  let modelCalls = 0;
  const model = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    if (body.includes(text)) modelCalls += 1;
    await new Promise((resolve) => setTimeout(resolve, answerMs));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"prediction":"fr"}');
  });
  const { port, close } = await listen(model);
  const skill = {
    name: skillName,
    description: 'Answers late.',
    input_schema: inputSchema,
    output_schema: { type: 'object' },
    endpoint: { url: `http://127.0.0.1:${port}/predict` },
  };
  const gateways = await Promise.all(
    Array.from({ length: gatewayCount }, (_, number) =>
      startSkillgate(port, join(folder, `stampede-${number}`), { skill, env: { REDIS_URL: redis.url } }),
    ),
  );
  const statuses = await Promise.all(
    Array.from({ length: gatewayCount * callsEach }, async (_, number) => {
      const gateway = gateways[number % gatewayCount];
      const response = await fetch(`http://127.0.0.1:${gateway?.port}${gateway?.path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ text }),
      });
      await response.arrayBuffer();
      return response.status;
    }),
  );
  await Promise.all(gateways.map((gateway) => gateway.stop()));
  await close();
  await redis.close();
  const answered = statuses.filter((status) => status === 200).length;
  return [
    {
      what: `${gatewayCount} gateways, the same cold input ${callsEach} times each: calls of the model, answers`,
      measured: `${modelCalls}, ${answered}`,
      target: `1, ${gatewayCount * callsEach}`,
      met: modelCalls === 1 && answered === gatewayCount * callsEach,
    },
  ];
}
