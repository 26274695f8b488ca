import type { ModelStatus, Readiness, ReadinessState, ReadinessView } from '../contracts/readiness.ts';
import { unlessAborted } from '../lib/abort.ts';
import type { GpuRequirement } from './gpu-readings.ts';

export interface ReadinessMonitorOptions {
  /** Asks the model once, without an inference. */
  readonly probe: (signal: AbortSignal) => Promise<ModelStatus>;
  /** Between two probes of a ready model, in milliseconds. */
  readonly intervalMs: number;
  /** The GPU memory that has to be free for a model that is ready to count as such. */
  readonly gpu?: GpuRequirement | undefined;
  /** How long a probe may take, in milliseconds; a model that hangs counts as unreachable. */
  readonly timeoutMs?: number;
  /** Told of every change of the state, after the view shows it. */
  readonly onChange?: (now: Readiness, before: Readiness | undefined) => void;
  /** Told when the model is ready for the first time. */
  readonly onFirstReady?: () => void;
  /** Gives a number in [0, 1). */
  readonly random?: () => number;
}

/** A prober that keeps the view up to date from `start` to `stop`, once. */
export interface ReadinessMonitor extends ReadinessView {
  start(): void;
  stop(): void;
}

/** The first wait after a state has changed to one that is not ready, in milliseconds. */
const firstWaitMs = 250;
const backoffFactor = 1.6;
/** Between two probes that calls have asked for, in milliseconds. */
const suspicionPauseMs = 250;
/** How many intervals a GPU reading counts when its source has failed since. */
const gpuIntervals = 3;

/**
 * The longest wait in each state, in milliseconds. A loading model becomes ready any moment. A server that cannot be
 * reached may stay away for long, and calls that try it ask for a probe themselves; in the other states calls are
 * turned away, so nobody but the prober would notice that they may come again.
 */
const longestWaitMs: Record<Exclude<ReadinessState, 'ready'>, (intervalMs: number) => number> = {
  loading: (intervalMs) => Math.min(intervalMs, 2000),
  not_ready: (intervalMs) => intervalMs,
  gpu_exhausted: (intervalMs) => intervalMs,
  unreachable: (intervalMs) => Math.max(intervalMs, 30_000),
};

/**
 * Probes one model, one probe at a time, beside the calls. A ready model is probed at its interval; any other soon
 * after the change and then ever more rarely. Every wait varies by ±10 %, so that gateways and skills that started
 * together do not probe together.
 */
export function createReadinessMonitor({
  probe,
  intervalMs,
  gpu,
  timeoutMs = 5000,
  onChange,
  onFirstReady,
  random = Math.random,
}: ReadinessMonitorOptions): ReadinessMonitor {
  let current: Readiness | undefined;
  let wasReady = false;
  let running = false;
  let lastProbeAt = Number.NEGATIVE_INFINITY;
  let nextProbeAt = 0;
  let timer: NodeJS.Timeout | undefined;
  let probeUnderWay: AbortController | undefined;
  let waitMs = 0;
  let change = Promise.withResolvers<void>();

  async function look(scheduled: boolean): Promise<void> {
    clearTimeout(timer);
    probeUnderWay = new AbortController();
    lastProbeAt = performance.now();
    const found = await findReadiness(probeUnderWay);
    probeUnderWay = undefined;
    if (!running) return;
    const changed = found.state !== current?.state;
    adopt(found, changed);
    if (found.state === 'ready') waitMs = intervalMs;
    else if (changed) waitMs = Math.min(firstWaitMs, intervalMs);
    else if (scheduled) waitMs = Math.min(waitMs * backoffFactor, longestWaitMs[found.state](intervalMs));
    schedule(waitMs * (0.9 + 0.2 * random()));
  }

  async function findReadiness(controller: AbortController): Promise<Omit<Readiness, 'sinceMs'>> {
    const [status, verdict] = await Promise.all([
      probeInTime(controller),
      gpu?.check(gpuIntervals * intervalMs),
    ]);
    const shown = verdict?.gpu && { gpu: verdict.gpu };
    if (status.state !== 'ready' || !verdict || verdict.state === 'sufficient')
      return { ...status, ...shown };
    // A source that cannot be read proves nothing: then the model's own word counts.
    return verdict.state === 'exhausted'
      ? { state: 'gpu_exhausted', reason: verdict.reason, ...shown }
      : { state: 'ready', reason: `${status.reason} ${verdict.reason}` };
  }

  async function probeInTime(controller: AbortController): Promise<ModelStatus> {
    const limit = setTimeout(() => controller.abort(), timeoutMs).unref();
    try {
      return await unlessAborted(probe(controller.signal), controller.signal);
    } catch (error) {
      if (controller.signal.aborted) {
        return { state: 'unreachable', reason: `The model did not answer a probe within ${timeoutMs} ms.` };
      }
      return {
        state: 'unreachable',
        reason: `The probe failed: ${error instanceof Error ? error.message : error}`,
      };
    } finally {
      clearTimeout(limit);
    }
  }

  function adopt(found: Omit<Readiness, 'sinceMs'>, changed: boolean): void {
    const before = current;
    current = { ...found, sinceMs: changed || !before ? Date.now() : before.sinceMs };
    if (!changed) return;
    const { resolve } = change;
    change = Promise.withResolvers<void>();
    resolve();
    onChange?.(current, before);
    if (current.state === 'ready' && !wasReady) {
      wasReady = true;
      onFirstReady?.();
    }
  }

  function schedule(ms: number, scheduled = true): void {
    clearTimeout(timer);
    nextProbeAt = performance.now() + ms;
    timer = setTimeout(() => void look(scheduled), ms).unref();
  }

  return {
    get current() {
      return current;
    },
    get nextProbeMs() {
      return probeUnderWay ? 0 : Math.max(0, nextProbeAt - performance.now());
    },
    changed: (signal) => unlessAborted(change.promise, signal),
    suspect() {
      if (!running || probeUnderWay) return;
      const pauseMs = Math.max(0, lastProbeAt + suspicionPauseMs - performance.now());
      if (pauseMs === 0) void look(false);
      else if (performance.now() + pauseMs < nextProbeAt) schedule(pauseMs, false);
    },
    start() {
      if (running) return;
      running = true;
      void look(true);
    },
    stop() {
      running = false;
      clearTimeout(timer);
      probeUnderWay?.abort();
    },
  };
}
