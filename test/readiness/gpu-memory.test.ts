import { describe, expect, it } from 'vitest';
import type { GpuMemory } from '../../src/contracts/readiness.ts';
import { judgeGpuMemory } from '../../src/readiness/gpu-memory.ts';

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
