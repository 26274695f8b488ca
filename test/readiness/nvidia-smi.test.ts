import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createNvidiaSmi, parseNvidiaSmi } from '../../src/readiness/nvidia-smi.ts';

const never = new AbortController().signal;

function fixture(name: string, timeoutMs?: number) {
  const path = fileURLToPath(new URL(`./__fixtures__/nvidia-smi/${name}`, import.meta.url));
  return createNvidiaSmi(timeoutMs === undefined ? { path } : { path, timeoutMs });
}

describe('nvidia-smi', () => {
  it('reads one GPU', async () => {
    expect((await fixture('one-gpu').read(never)).gpus).toEqual([
      {
        index: '0',
        uuid: 'GPU-5a1e1d9c-8a0f-4e7e-9c6b-0d6a7f2b3c41',
        totalMib: 24576,
        usedMib: 4096,
        freeMib: 20480,
        utilizationPercent: 37,
      },
    ]);
  });

  it('reads several GPUs, and leaves out the one that does not tell its memory', async () => {
    const { gpus } = await fixture('several-gpus').read(never);
    expect(gpus.map(({ index, freeMib }) => [index, freeMib])).toEqual([
      ['0', 576],
      ['1', 80000],
      ['2', 11000],
    ]);
    expect(gpus[2]?.utilizationPercent).toBeUndefined();
  });

  it('reads a machine without a GPU as none', async () => {
    expect(await fixture('no-devices').read(never)).toEqual({ gpus: [] });
  });

  it.each([
    [
      'no-driver',
      "nvidia-smi failed: NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver",
    ],
    ['unknown-form', 'nvidia-smi answered in a form that is not known: index, uuid'],
    ['missing', 'nvidia-smi is not installed.'],
  ])('fails with a reason where it is %s', async (name, reason) => {
    await expect(fixture(name).read(never)).rejects.toThrow(reason);
  });

  it('gives up on a driver that hangs', async () => {
    await expect(fixture('hung-driver', 40).read(never)).rejects.toThrow('did not end within 40 ms');
  });

  it('ends at once when nobody waits any more', async () => {
    const startedAt = performance.now();
    await expect(fixture('hung-driver').read(AbortSignal.timeout(20))).rejects.toThrow('nvidia-smi');
    await expect(fixture('hung-driver').read(AbortSignal.abort())).rejects.toThrow('nvidia-smi');
    expect(performance.now() - startedAt).toBeLessThan(2000);
  });

  it('fails where no GPU tells its memory', () => {
    expect(() => parseNvidiaSmi('0, GPU-1, [N/A], [N/A], [N/A], [N/A]\n')).toThrow(
      'tells the memory of no GPU',
    );
  });
});
