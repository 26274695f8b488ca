import { describe, expect, it } from 'vitest';
import type { GpuMemory, GpuReading } from '../../src/contracts/readiness.ts';
import { type GpuDemand, judgeGpu } from '../../src/readiness/gpu-verdict.ts';

function gpu(index: string, freeMib: number): GpuMemory {
  return {
    index,
    uuid: `GPU-${index}`,
    totalMib: 24576,
    usedMib: 24576 - freeMib,
    freeMib,
    utilizationPercent: 0,
  };
}

function judgeGpuMemory(memories: readonly GpuMemory[], demand: GpuDemand) {
  return judgeGpu({ gpus: memories }, demand, false);
}

const gpus = [gpu('0', 500), gpu('1', 8000), gpu('2', 4000)];

describe('GPU memory', () => {
  it('suffices where any one GPU has enough, and is judged by the one with the most', () => {
    expect(judgeGpuMemory(gpus, { min_free_mib: 8000 })).toEqual({
      state: 'sufficient',
      reason: 'GPU 1 has 8000 of 24576 MiB free.',
      gpu: gpus[1],
    });
  });

  it('is not added up over several GPUs', () => {
    expect(judgeGpuMemory(gpus, { min_free_mib: 8001 })).toEqual({
      state: 'exhausted',
      reason: 'GPU 1 has 8000 of 24576 MiB free; 8001 MiB are needed.',
      gpu: gpus[1],
    });
  });

  it.each(['2', 'GPU-2'])('counts on the device %s alone where the definition names it', (device) => {
    expect(judgeGpuMemory(gpus, { min_free_mib: 4000, device })).toMatchObject({
      state: 'sufficient',
      gpu: gpus[2],
    });
    expect(judgeGpuMemory(gpus, { min_free_mib: 4001, device })).toMatchObject({
      state: 'exhausted',
      gpu: gpus[2],
    });
  });

  it('does not suffice on a machine without the GPU, and says which there are', () => {
    expect(judgeGpuMemory(gpus, { min_free_mib: 1, device: '7' })).toEqual({
      state: 'exhausted',
      reason: 'There is no GPU 7 (known: 0, 1, 2); 1 MiB are needed.',
    });
    expect(judgeGpuMemory([], { min_free_mib: 1 })).toMatchObject({
      reason: expect.stringContaining('known: none'),
    });
  });
});

describe('what a server tells of itself', () => {
  const busy: GpuReading = {
    gpus: [],
    waiting: 10,
    cacheShare: 0.9,
    gpuShares: new Map([['llama3:latest', 0.8]]),
  };

  it.each<[string, GpuDemand, string, string]>([
    [
      'a queue that is short enough',
      { max_waiting: 10 },
      'sufficient',
      '10 requests wait at the server, where 10 may.',
    ],
    [
      'a queue that is too long',
      { max_waiting: 9 },
      'exhausted',
      '10 requests wait at the server, where 9 may.',
    ],
    [
      'room in the cache',
      { max_cache_percent: 90 },
      'sufficient',
      '90 % of the KV cache are taken, where 90 % may be.',
    ],
    [
      'a full cache',
      { max_cache_percent: 89 },
      'exhausted',
      '90 % of the KV cache are taken, where 89 % may be.',
    ],
    [
      'a model on the GPU',
      { model: 'llama3', min_gpu_percent: 80 },
      'sufficient',
      '80 % of the model lie in GPU memory, where 80 % have to.',
    ],
    [
      'a model half on the processor',
      { model: 'llama3:latest', min_gpu_percent: 100 },
      'exhausted',
      '80 % of the model lie in GPU memory, where 100 % have to.',
    ],
    [
      'a model that is not loaded',
      { model: 'qwen', min_gpu_percent: 100 },
      'unknown',
      'The model qwen is not loaded.',
    ],
  ])('is %s', (_what, demand, state, reason) => {
    expect(judgeGpu(busy, demand, false)).toEqual({ state, reason });
  });

  it('has to be good in every respect', () => {
    expect(judgeGpu(busy, { max_waiting: 20, max_cache_percent: 50 }, false)).toEqual({
      state: 'exhausted',
      reason: '90 % of the KV cache are taken, where 50 % may be.',
    });
  });

  it('is unknown where it is not told', () => {
    expect(judgeGpu({ gpus: [] }, { max_waiting: 1, max_cache_percent: 50 }, false)).toEqual({
      state: 'unknown',
      reason: 'The queue is not told. The use of the KV cache is not told.',
    });
  });

  it.each<[GpuDemand, GpuReading, GpuReading]>([
    [{ max_waiting: 10 }, { gpus: [], waiting: 10 }, { gpus: [], waiting: 9 }],
    [{ max_cache_percent: 90 }, { gpus: [], cacheShare: 0.9 }, { gpus: [], cacheShare: 0.81 }],
    [{ min_free_mib: 1000 }, { gpus: [gpu('0', 1000)] }, { gpus: [gpu('0', 1100)] }],
    [{ min_free_mib: 24_000 }, { gpus: [gpu('0', 24_000)] }, { gpus: [gpu('0', 24_576)] }],
  ])('that was bad has to be a little better than %j asks', (demand, atTheEdge, better) => {
    expect(judgeGpu(atTheEdge, demand, false).state).toBe('sufficient');
    expect(judgeGpu(atTheEdge, demand, true).state).toBe('exhausted');
    expect(judgeGpu(better, demand, true).state).toBe('sufficient');
  });
});
