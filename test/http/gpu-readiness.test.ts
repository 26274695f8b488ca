import { expect, it, onTestFinished } from 'vitest';
import { definitionOf, readJson, startApp } from '../app.ts';
import { hang, json, startModelServer, text } from '../servers/model-server.ts';

async function startServer() {
  const server = await startModelServer();
  onTestFinished(() => server.close());
  return server;
}

const metrics = (waiting: number, cache: number) =>
  text(`vllm:num_requests_waiting{engine="0"} ${waiting}\nvllm:kv_cache_usage_perc{engine="0"} ${cache}\n`);

it("turns calls away while the server's queue is too long, and lets them in when it has become short", async () => {
  const [model, source] = [await startServer(), await startServer()];
  model.always(json({ prediction: 'yes' }));
  source.always(metrics(50, 0.5));
  const { post, url } = await startApp([
    definitionOf(model.url, {
      readiness: {
        interval_ms: 50,
        gpu: { source: 'vllm', url: `${source.url}/metrics`, max_waiting: 20, max_cache_percent: 95 },
      },
    }),
  ]);
  const ready = () => fetch(`${url}/skills/local_model_predict/ready`);
  while ((await ready()).status === 200) await source.requested();
  expect(await readJson(ready())).toMatchObject({
    state: 'gpu_exhausted',
    reason: '50 requests wait at the server, where 20 may.',
  });
  expect(await readJson(post({ text: 'a' }))).toMatchObject({ code: 'model_not_ready' });
  source.always(metrics(1, 0.5));
  while ((await ready()).status !== 200) await source.requested();
  expect((await post({ text: 'a' })).status).toBe(200);
});

it('does not let metrics that hang hold anything up', async () => {
  const [model, source] = [await startServer(), await startServer()];
  model.always(json({ prediction: 'yes' }));
  source.always(hang());
  const { post } = await startApp([
    definitionOf(model.url, {
      readiness: { gpu: { source: 'dcgm', url: `${source.url}/metrics`, min_free_mib: 1000 } },
    }),
  ]);
  await expect.poll(() => source.requests.length).toBeGreaterThan(0);
  expect((await post({ text: 'a' })).status).toBe(200);
});

it.each([
  [{ source: 'dcgm', min_free_mib: 1 }, 'must have the property "url"'],
  [{ source: 'vllm', url: 'http://localhost/metrics' }, '/readiness/gpu'],
  [{ source: 'nvidia-smi', min_free_mib: 1, url: 'http://localhost' }, '/readiness/gpu'],
  [
    { source: 'rocm' },
    '#/readiness/gpu/source: must be one of "nvidia-smi", "dcgm", "triton", "vllm", "ollama"',
  ],
  [{ source: 'dcgm', url: 'http://[', min_free_mib: 1 }, '#/readiness/gpu/url: has to be a whole URL'],
])('refuses the definition of a source that is not whole (%#)', async (gpu, message) => {
  await expect(startApp([definitionOf('http://127.0.0.1:1', { readiness: { gpu } })])).rejects.toThrow(
    message,
  );
});
