import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionOf, readJson, startApp, type WrittenDefinition } from '../app.ts';
import { after, json, startModelServer } from '../servers/model-server.ts';

const mibOf: Readonly<Record<string, number>> = { large: 6000, middle: 3000, small: 500 };

/** A server whose models share a GPU; it knows how much memory the calls under way have taken together. */
async function startSharedGpu() {
  const server = await startModelServer();
  onTestFinished(() => server.close());
  let usedMib = 0;
  let mostMib = 0;
  server.always((response, request) => {
    const mib = mibOf[request.path.slice(1)] ?? 0;
    usedMib += mib;
    mostMib = Math.max(mostMib, usedMib);
    after(5, (answer, asked) => {
      usedMib -= mib;
      json({ prediction: 'done' })(answer, asked);
    })(response, request);
  });
  return { server, mostMib: () => mostMib };
}

function skillOf(name: string, url: string, more: Readonly<Record<string, unknown>> = {}): WrittenDefinition {
  return definitionOf(url, {
    name,
    endpoint: { url: `${url}/${name}` },
    gpu: { mib: mibOf[name] },
    cache: { enabled: false },
    ...more,
  });
}

describe('skills that share a GPU', () => {
  it('never exceed its memory together, and none starves', async () => {
    const { server, mostMib } = await startSharedGpu();
    const names = Object.keys(mibOf);
    const { post } = await startApp(
      names.map((name) => skillOf(name, server.url)),
      { GPU_POOLS: 'default:8000' },
    );
    const doneAt: Record<string, number> = {};
    await Promise.all(
      names.map(async (name) => {
        const responses = await Promise.all(
          Array.from({ length: 20 }, (_, index) => post({ text: `${index}` }, { path: `/skills/${name}` })),
        );
        expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
        doneAt[name] = server.requests.length;
      }),
    );
    expect(mostMib()).toBeGreaterThan(6000);
    expect(mostMib()).toBeLessThanOrEqual(8000);
    expect(Object.keys(doneAt)).toHaveLength(3);
  });

  it('turn a call away with a time to come back when the queue would outlast its patience', async () => {
    const { server } = await startSharedGpu();
    const { post } = await startApp([skillOf('large', server.url, { concurrency: { queue: 0 } })], {
      GPU_POOLS: 'default:8000',
    });
    const responses = await Promise.all(
      [1, 2].map((text) => post({ text: `${text}` }, { path: '/skills/large' })),
    );
    const refused = responses.find(({ status }) => status === 503);
    expect(refused?.headers.get('retry-after')).toMatch(/^\d+$/);
    expect(await readJson(refused ?? expect.fail())).toMatchObject({ code: 'overloaded' });
  });

  it.each([
    [
      'names a pool that is not there',
      { gpu: { pool: 'big', mib: 1 } },
      '#/gpu/pool: big is not among the pools of GPU_POOLS, which has default',
    ],
    [
      'needs more than its pool has',
      { gpu: { mib: 9000 } },
      '#/gpu/mib: is 9000, and the pool default has 8000 in all',
    ],
  ])('stop the start where a definition %s', async (_what, more, message) => {
    const definition = skillOf('large', 'http://127.0.0.1:1', more);
    await expect(startApp([definition], { GPU_POOLS: 'default:8000' })).rejects.toThrow(message);
  });
});
