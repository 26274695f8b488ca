import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGpuSources } from '../../src/readiness/gpu-sources.ts';
import { createTransports, type Transports } from '../../src/transport/transports.ts';
import { hang, json, type ModelServer, startModelServer, text } from '../servers/model-server.ts';

let server: ModelServer;
let transports: Transports;

beforeEach(async () => {
  server = await startModelServer();
  transports = createTransports();
});

afterEach(async () => {
  await transports.close();
  await server.close();
});

const never = new AbortController().signal;

function read(source: string, path = '/metrics', signal = never) {
  const open = createGpuSources(transports.for({ timeouts: { connect_ms: 3000, tls_ms: 3000 } }));
  return open(source, server.url + path).read(signal);
}

function fixture(name: string): string {
  return readFileSync(new URL(`./__fixtures__/metrics/${name}.txt`, import.meta.url), 'utf8');
}

const uuid = 'GPU-604ac76c-d9cf-fef3-62e9-d92044ab6e52';

describe('a GPU source on the network', () => {
  it('is the DCGM exporter, with each GPU and each instance of a partitioned one', async () => {
    server.always(text(fixture('dcgm')));
    expect(await read('dcgm')).toEqual({
      gpus: [
        { index: '0', uuid, totalMib: 40_500, usedMib: 28_500, freeMib: 12_000, utilizationPercent: 83 },
        {
          index: '1:7',
          uuid: 'GPU-1e7c3a0b-77d1-4b6c-9a55-0c1a2b3c4d5e',
          totalMib: 4864,
          usedMib: 64,
          freeMib: 4800,
          utilizationPercent: undefined,
        },
      ],
    });
    expect(server.requests.map(({ method, path }) => [method, path])).toEqual([['GET', '/metrics']]);
  });

  it('is Triton, with its GPUs and the requests that wait', async () => {
    server.always(text(fixture('triton')));
    expect(await read('triton')).toEqual({
      gpus: [{ index: '0', uuid, totalMib: 24_576, usedMib: 4096, freeMib: 20_480, utilizationPercent: 42 }],
      waiting: 9,
    });
  });

  it.each(['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'])(
    'is vLLM, with its queue and its fullest cache, named %s',
    async (name) => {
      server.always(text(fixture('vllm').replaceAll('vllm:kv_cache_usage_perc', name)));
      expect(await read('vllm')).toEqual({ gpus: [], waiting: 5, cacheShare: 0.8125 });
    },
  );

  it('is Ollama, with how much of each model lies in GPU memory', async () => {
    server.always(
      json({
        models: [
          { name: 'llama3:latest', size: 5_000_000_000, size_vram: 4_000_000_000 },
          { name: 'nomic-embed-text:latest', size: 600_000_000 },
          { name: 'qwen3:8b', size: 0, size_vram: 0 },
        ],
      }),
    );
    const { gpuShares } = await read('ollama', '/');
    expect(gpuShares).toEqual(
      new Map([
        ['llama3:latest', 0.8],
        ['nomic-embed-text:latest', 0],
      ]),
    );
    expect(server.requests[0]?.path).toBe('/api/ps');
  });

  it.each([
    ['dcgm', text('go_goroutines 12\n'), 'dcgm cannot be read: it tells the memory of no GPU'],
    ['triton', text('up 1\n'), 'triton cannot be read: these are not the metrics of Triton.'],
    ['vllm', text('<html>'), 'vllm cannot be read: line 1 is no metric'],
    ['vllm', text('up 1\n'), 'vllm cannot be read: these are not the metrics of vLLM.'],
    ['ollama', json({ models: 'none' }), 'ollama cannot be read: this is no answer of /api/ps.'],
    ['ollama', text('Ollama is running'), 'ollama cannot be read: Unexpected token'],
    ['triton', text('', { status: 404 }), 'triton answered 404.'],
  ])('fails with a reason where %s answers something else (%#)', async (source, answer, reason) => {
    server.always(answer);
    await expect(read(source)).rejects.toThrow(reason);
  });

  it('ends when nobody waits for it any more', async () => {
    server.always(hang());
    const leaving = new AbortController();
    const reading = read('vllm', '/metrics', leaving.signal);
    await server.requested();
    leaving.abort(new Error('left'));
    await expect(reading).rejects.toThrow('left');
  });

  it('is never at a metadata address', async () => {
    const open = createGpuSources(transports.for({ timeouts: { connect_ms: 3000, tls_ms: 3000 } }));
    await expect(open('dcgm', 'http://169.254.169.254/metrics').read(never)).rejects.toThrow('never dialled');
  });
});
