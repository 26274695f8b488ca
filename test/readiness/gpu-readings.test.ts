import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GpuMemory, GpuSource } from '../../src/contracts/readiness.ts';
import { createGpuReadings } from '../../src/readiness/gpu-readings.ts';

const free: GpuMemory = {
  index: '0',
  uuid: 'GPU-0',
  totalMib: 24576,
  usedMib: 0,
  freeMib: 24576,
  utilizationPercent: 0,
};

/** A source whose reads the test ends one by one. */
function scriptedSource() {
  const reads: { end: (gpus: GpuMemory[]) => void; fail: (error: unknown) => void; signal: AbortSignal }[] =
    [];
  const source: GpuSource = {
    read: (signal) => new Promise((end, fail) => reads.push({ end, fail, signal })),
  };
  return { source, reads };
}

function demand(source: GpuSource) {
  const readings = createGpuReadings({ sources: { scripted: source }, freshMs: 1000, patienceMs: 6000 });
  return (min_free_mib = 1000) => readings.requirement({ source: 'scripted', min_free_mib });
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('readings of GPU memory', () => {
  it('reads once for every skill that asks at the same time, and judges for each', async () => {
    const { source, reads } = scriptedSource();
    const skill = demand(source);
    const verdicts = Promise.all([skill(1000).check(30_000), skill(30_000).check(30_000)]);
    reads[0]?.end([free]);
    expect((await verdicts).map(({ state }) => state)).toEqual(['sufficient', 'exhausted']);
    expect(reads).toHaveLength(1);
  });

  it('serves a reading for a second, and then reads again', async () => {
    const { source, reads } = scriptedSource();
    const skill = demand(source)();
    const first = skill.check(30_000);
    reads[0]?.end([free]);
    await first;
    vi.advanceTimersByTime(999);
    expect(await skill.check(30_000)).toMatchObject({ state: 'sufficient' });
    vi.advanceTimersByTime(1);
    const second = skill.check(30_000);
    reads[1]?.end([]);
    expect(await second).toMatchObject({ state: 'exhausted' });
  });

  it('keeps the last reading for a while when the source fails', async () => {
    const { source, reads } = scriptedSource();
    const skill = demand(source)();
    const first = skill.check(30_000);
    reads[0]?.end([free]);
    await first;
    vi.advanceTimersByTime(30_000);
    const second = skill.check(30_000);
    reads[1]?.fail(new Error('the driver is gone'));
    expect(await second).toMatchObject({ state: 'sufficient', gpu: free });
    vi.advanceTimersByTime(1000);
    const third = skill.check(30_000);
    reads[2]?.fail(new Error('the driver is gone'));
    expect(await third).toEqual({ state: 'unknown', reason: 'GPU memory is unknown: the driver is gone' });
  });

  it('does not wait for ever for a source that hangs, nor asks it twice', async () => {
    const { source, reads } = scriptedSource();
    const skill = demand(source)();
    const first = skill.check(30_000);
    await vi.advanceTimersByTimeAsync(6000);
    expect(await first).toEqual({
      state: 'unknown',
      reason: 'GPU memory is unknown: its source does not answer.',
    });
    expect(reads[0]?.signal.aborted).toBe(true);
    vi.advanceTimersByTime(60_000);
    expect(await skill.check(30_000)).toMatchObject({ state: 'unknown' });
    expect(reads).toHaveLength(1);
    reads[0]?.end([free]);
    await vi.advanceTimersByTimeAsync(0);
    const recovered = skill.check(30_000);
    reads[1]?.end([free]);
    expect(await recovered).toMatchObject({ state: 'sufficient' });
  });
});
