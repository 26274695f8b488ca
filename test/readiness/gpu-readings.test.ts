import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GpuMemory, GpuReading, GpuSource } from '../../src/contracts/readiness.ts';
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
  const reads: { end(gpus: GpuMemory[]): void; fail(error: unknown): void; signal: AbortSignal }[] = [];
  const source: GpuSource = {
    read: (signal) =>
      new Promise<GpuReading>((resolve, fail) =>
        reads.push({ end: (gpus) => resolve({ gpus }), fail, signal }),
      ),
  };
  return { source, reads };
}

function demand(source: GpuSource) {
  const readings = createGpuReadings({
    open: () => source,
    freshMs: 1000,
    patienceMs: 6000,
    timeoutMs: 20_000,
  });
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
    expect(await third).toEqual({
      state: 'unknown',
      reason: "The GPU's state is unknown: the driver is gone",
    });
  });

  it('does not wait for ever for a source that hangs, nor asks it twice', async () => {
    const { source, reads } = scriptedSource();
    const skill = demand(source)();
    const first = skill.check(30_000);
    await vi.advanceTimersByTimeAsync(6000);
    expect(await first).toEqual({
      state: 'unknown',
      reason: "The GPU's state is unknown: its source does not answer.",
    });
    expect(reads[0]?.signal.aborted).toBe(false);
    vi.advanceTimersByTime(14_000);
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

  it('takes the answer of a source that stood behind running requests, when it comes', async () => {
    const { source, reads } = scriptedSource();
    const skill = demand(source)();
    const first = skill.check(30_000);
    reads[0]?.end([free]);
    await first;
    await vi.advanceTimersByTimeAsync(10_000);
    const second = skill.check(30_000);
    await vi.advanceTimersByTimeAsync(6000);
    expect(await second).toMatchObject({ state: 'sufficient' });
    await vi.advanceTimersByTimeAsync(7000);
    reads[1]?.end([{ ...free, freeMib: 10 }]);
    await vi.advanceTimersByTimeAsync(0);
    const third = skill.check(30_000);
    reads[2]?.fail(new Error('busy'));
    expect(await third).toMatchObject({ state: 'exhausted' });
  });

  it('asks a little more of a GPU that was exhausted, so that a model at the edge does not come and go', async () => {
    const { source, reads } = scriptedSource();
    const skill = demand(source)(1000);
    const states: string[] = [];
    for (const [index, freeMib] of [1000, 999, 1000, 1099, 1100, 1000].entries()) {
      const verdict = skill.check(30_000);
      reads[index]?.end([{ ...free, freeMib }]);
      states.push((await verdict).state);
      vi.advanceTimersByTime(1000);
    }
    expect(states).toEqual(['sufficient', 'exhausted', 'exhausted', 'exhausted', 'sufficient', 'sufficient']);
  });
});
