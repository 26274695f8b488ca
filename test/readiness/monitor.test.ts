import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GpuMemory, ModelStatus, Readiness } from '../../src/contracts/readiness.ts';
import type { GpuVerdict } from '../../src/readiness/gpu-verdict.ts';
import {
  createReadinessMonitor,
  type ReadinessMonitor,
  type ReadinessMonitorOptions,
} from '../../src/readiness/monitor.ts';

const ready: ModelStatus = { state: 'ready', reason: 'It is loaded.' };
const loading: ModelStatus = { state: 'loading', reason: 'It is being loaded.' };
const notReady: ModelStatus = { state: 'not_ready', reason: 'It failed to load.' };
const unreachable: ModelStatus = { state: 'unreachable', reason: 'Connection refused.' };
const gpu: GpuMemory = {
  index: '0',
  uuid: 'GPU-0',
  totalMib: 24576,
  usedMib: 24000,
  freeMib: 576,
  utilizationPercent: 90,
};

const started: ReadinessMonitor[] = [];

/** A monitor without jitter, which finds what the test says, and the times of its probes in milliseconds. */
function watch(options: Partial<ReadinessMonitorOptions> = {}) {
  const model: { status: ModelStatus } = { status: ready };
  const probedAt: number[] = [];
  const changes: Readiness[] = [];
  const monitor = createReadinessMonitor({
    probe: async () => {
      probedAt.push(performance.now());
      return model.status;
    },
    intervalMs: 10_000,
    random: () => 0.5,
    onChange: (now) => changes.push(now),
    ...options,
  });
  started.push(monitor);
  return { monitor, model, probedAt, changes };
}

/** The waits between the probes so far and during some time, in whole milliseconds. */
async function waitsDuring(ms: number, probedAt: readonly number[]): Promise<number[]> {
  await vi.advanceTimersByTimeAsync(ms);
  return probedAt.slice(1).map((at, index) => Math.round(at - (probedAt[index] ?? 0)));
}

/** Lets the probe at hand end. */
const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  for (const monitor of started.splice(0)) monitor.stop();
  vi.useRealTimers();
});

describe('probing', () => {
  it('knows nothing before the first probe has ended, and then what it found', async () => {
    const { monitor } = watch();
    expect(monitor.current).toBeUndefined();
    vi.setSystemTime(5000);
    monitor.start();
    expect(monitor.current).toBeUndefined();
    await settle();
    expect(monitor.current).toEqual({ ...ready, sinceMs: 5000 });
  });

  it('probes a ready model at its interval', async () => {
    const { monitor, probedAt } = watch();
    monitor.start();
    expect(await waitsDuring(30_000, probedAt)).toEqual([10_000, 10_000, 10_000]);
  });

  it.each([
    ['loading', loading, 250, 2000],
    ['not ready', notReady, 250, 10_000],
    ['unreachable', unreachable, 250, 30_000],
  ])(
    'looks soon again at a model that is %s, and then ever more rarely',
    async (_, status, first, longest) => {
      const { monitor, model, probedAt } = watch();
      model.status = status;
      monitor.start();
      const waits = await waitsDuring(300_000, probedAt);
      expect(waits.slice(0, 3)).toEqual([first, first * 1.6, first * 1.6 * 1.6]);
      expect(Math.max(...waits)).toBe(longest);
      expect(waits.toSorted((left, right) => left - right)).toEqual(waits);
    },
  );

  it('is quick again when the state changes from one that is not ready to another', async () => {
    const { monitor, model, probedAt } = watch();
    model.status = unreachable;
    monitor.start();
    await vi.advanceTimersByTimeAsync(60_000);
    model.status = loading;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(monitor.current?.state).toBe('loading');
    probedAt.length = 0;
    expect(Math.max(...(await waitsDuring(20_000, probedAt)))).toBe(2000);
  });

  it('varies every wait by ten percent to either side', async () => {
    for (const [random, expected] of [
      [0, 9000],
      [0.75, 10_500],
    ] as const) {
      const { monitor, probedAt } = watch({ random: () => random });
      monitor.start();
      expect(await waitsDuring(12_000, probedAt)).toEqual([expected]);
      monitor.stop();
    }
  });

  it('counts a model that hangs at a probe as unreachable, and cancels the probe', async () => {
    const signals: AbortSignal[] = [];
    const { monitor } = watch({
      timeoutMs: 3000,
      probe: (signal) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    monitor.start();
    await vi.advanceTimersByTimeAsync(2999);
    expect(monitor.current).toBeUndefined();
    expect(signals).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(monitor.current).toMatchObject({
      state: 'unreachable',
      reason: 'The model did not answer a probe within 3000 ms.',
    });
    expect(signals[0]?.aborted).toBe(true);
  });

  it('goes on after a probe that throws', async () => {
    let failures = 0;
    const { monitor } = watch({
      probe: async () => {
        failures += 1;
        if (failures === 1) throw new Error('no socket');
        return ready;
      },
    });
    monitor.start();
    await settle();
    expect(monitor.current).toMatchObject({ state: 'unreachable', reason: 'The probe failed: no socket' });
    await vi.advanceTimersByTimeAsync(250);
    expect(monitor.current?.state).toBe('ready');
  });

  it('stops, also in the middle of a probe', async () => {
    const signals: AbortSignal[] = [];
    const { monitor } = watch({
      probe: async (signal) => {
        signals.push(signal);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return ready;
      },
    });
    monitor.start();
    monitor.stop();
    expect(signals[0]?.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(monitor.current).toBeUndefined();
    expect(signals).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('changes', () => {
  it('tells them once, and keeps the time at which a state began', async () => {
    const { monitor, model, changes } = watch();
    vi.setSystemTime(1000);
    model.status = loading;
    monitor.start();
    await settle();
    model.status = { state: 'loading', reason: 'Nearly there.' };
    await vi.advanceTimersByTimeAsync(250);
    expect(monitor.current).toEqual({ state: 'loading', reason: 'Nearly there.', sinceMs: 1000 });
    model.status = ready;
    await vi.advanceTimersByTimeAsync(400);
    expect(changes).toEqual([
      { ...loading, sinceMs: 1000 },
      { ...ready, sinceMs: 1650 },
    ]);
  });

  it('tells of the first time that the model is ready, and of no other', async () => {
    const onFirstReady = vi.fn();
    const { monitor, model } = watch({ onFirstReady });
    model.status = loading;
    monitor.start();
    await settle();
    expect(onFirstReady).not.toHaveBeenCalled();
    for (const status of [ready, unreachable, ready]) {
      model.status = status;
      await vi.advanceTimersByTimeAsync(60_000);
    }
    expect(onFirstReady).toHaveBeenCalledTimes(1);
  });

  it('wakes everybody who waits for the next one', async () => {
    const { monitor, model } = watch();
    model.status = loading;
    monitor.start();
    await settle();
    let woken = 0;
    for (let waiter = 0; waiter < 3; waiter += 1) {
      void monitor.changed(new AbortController().signal).then(() => {
        woken += 1;
      });
    }
    await vi.advanceTimersByTimeAsync(250);
    expect(woken).toBe(0);
    model.status = ready;
    await vi.advanceTimersByTimeAsync(400);
    expect(woken).toBe(3);
  });

  it("rejects with the signal's reason when a waiter leaves", async () => {
    const { monitor } = watch();
    const leaving = new AbortController();
    const waiting = monitor.changed(leaving.signal);
    leaving.abort(new Error('left'));
    await expect(waiting).rejects.toThrow('left');
  });

  it('says how long it is until the next probe', async () => {
    const { monitor } = watch();
    monitor.start();
    expect(monitor.nextProbeMs).toBe(0);
    await settle();
    expect(monitor.nextProbeMs).toBeCloseTo(10_000);
    await vi.advanceTimersByTimeAsync(4000);
    expect(monitor.nextProbeMs).toBeCloseTo(6000);
  });
});

describe('a suspicion', () => {
  it('probes at once', async () => {
    const { monitor, model } = watch();
    monitor.start();
    await vi.advanceTimersByTimeAsync(5000);
    model.status = unreachable;
    monitor.suspect();
    await settle();
    expect(monitor.current?.state).toBe('unreachable');
  });

  it('of many calls probes at most four times a second', async () => {
    const { monitor, model, probedAt } = watch();
    model.status = unreachable;
    monitor.start();
    await vi.advanceTimersByTimeAsync(60_000);
    probedAt.length = 0;
    for (let call = 0; call < 1000; call += 1) {
      monitor.suspect();
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(probedAt.length).toBeGreaterThanOrEqual(4);
    expect(probedAt.length).toBeLessThanOrEqual(5);
  });

  it('does not make the next wait longer', async () => {
    const { monitor, model } = watch();
    model.status = unreachable;
    monitor.start();
    await vi.advanceTimersByTimeAsync(2000);
    const waits: number[] = [];
    for (let call = 0; call < 3; call += 1) {
      await vi.advanceTimersByTimeAsync(300);
      monitor.suspect();
      await settle();
      waits.push(Math.round(monitor.nextProbeMs));
    }
    expect(new Set(waits).size).toBe(1);
  });

  it('during a probe waits for that one', async () => {
    let probes = 0;
    const { monitor } = watch({
      probe: () => {
        probes += 1;
        return new Promise((resolve) => setTimeout(() => resolve(ready), 1000));
      },
    });
    monitor.start();
    await vi.advanceTimersByTimeAsync(500);
    monitor.suspect();
    await vi.advanceTimersByTimeAsync(1000);
    expect(monitor.current?.state).toBe('ready');
    expect(probes).toBe(1);
  });

  it('after the end probes nothing', async () => {
    const { monitor, probedAt } = watch();
    monitor.start();
    await settle();
    monitor.stop();
    vi.advanceTimersByTime(5000);
    monitor.suspect();
    await settle();
    expect(probedAt).toHaveLength(1);
  });
});

describe('GPU memory', () => {
  const exhausted: GpuVerdict = {
    state: 'exhausted',
    reason: 'GPU 0 has 576 of 24576 MiB free; 8000 MiB are needed.',
    gpu,
  };

  /** A monitor whose GPU check gives what the test says. */
  function watchGpu(verdict: GpuVerdict) {
    const found = { verdict };
    const keptMs: number[] = [];
    const watched = watch({
      gpu: {
        check: async (keepMs) => {
          keptMs.push(keepMs);
          return found.verdict;
        },
      },
    });
    return { ...watched, found, keptMs };
  }

  it('that does not suffice makes a ready model gpu_exhausted, with the figures', async () => {
    const { monitor, found } = watchGpu(exhausted);
    monitor.start();
    await settle();
    expect(monitor.current).toMatchObject({ state: 'gpu_exhausted', reason: exhausted.reason, gpu });
    found.verdict = { state: 'sufficient', reason: 'Enough.', gpu };
    await vi.advanceTimersByTimeAsync(250);
    expect(monitor.current).toMatchObject({ ...ready, gpu });
  });

  it('does not matter while the model itself is not ready', async () => {
    const { monitor, model } = watchGpu(exhausted);
    model.status = loading;
    monitor.start();
    await settle();
    expect(monitor.current).toMatchObject({ ...loading, gpu });
  });

  it('that nobody knows leaves a ready model ready, and the reason says so', async () => {
    const { monitor, keptMs } = watchGpu({ state: 'unknown', reason: 'GPU memory is unknown: no driver.' });
    monitor.start();
    await settle();
    expect(monitor.current).toMatchObject({
      state: 'ready',
      reason: 'It is loaded. GPU memory is unknown: no driver.',
    });
    expect(keptMs).toEqual([30_000]);
  });
});
