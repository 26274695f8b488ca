import type { GpuMemory, GpuSource } from '../contracts/readiness.ts';
import { type GpuDemand, type GpuVerdict, judgeGpuMemory } from './gpu-memory.ts';
import { createNvidiaSmi } from './nvidia-smi.ts';

/** What a skill demands of the GPUs, ready to be checked. */
export interface GpuRequirement {
  /**
   * Says whether the GPU memory suffices. Never throws.
   *
   * @param keepMs how old a reading may be, in milliseconds, to count where the source has failed since
   */
  check(keepMs: number): Promise<GpuVerdict>;
}

/** The GPU memory that all skills look at: each source is read once for all of them, and never twice at a time. */
export interface GpuReadings {
  requirement(demand: GpuDemand & { readonly source: string }): GpuRequirement;
}

export interface GpuReadingsOptions {
  /** The sources by the names that definitions use. */
  readonly sources?: Readonly<Record<string, GpuSource>>;
  /** How long a reading serves everybody who asks, in milliseconds. */
  readonly freshMs?: number;
  /** How long to wait for a source, in milliseconds. It has a limit of its own, which a hung driver can defeat. */
  readonly patienceMs?: number;
}

/** Makes the readings, which begin when somebody asks. */
export function createGpuReadings({
  sources = { 'nvidia-smi': createNvidiaSmi() },
  freshMs = 1000,
  patienceMs = 6000,
}: GpuReadingsOptions = {}): GpuReadings {
  const readers = new Map(
    Object.entries(sources).map(([name, source]) => [name, createReader(source, freshMs, patienceMs)]),
  );
  return {
    requirement({ source, ...demand }) {
      const reader = readers.get(source);
      if (!reader) throw new RangeError(`there is no GPU source ${source}`);
      return {
        async check(keepMs) {
          const { gpus, ageMs, failure } = await reader();
          if (gpus && (failure === undefined || ageMs <= keepMs)) return judgeGpuMemory(gpus, demand);
          return { state: 'unknown', reason: `GPU memory is unknown: ${failure ?? 'not read yet.'}` };
        },
      };
    },
  };
}

interface Reading {
  /** As last read; undefined where that never went well. */
  readonly gpus: readonly GpuMemory[] | undefined;
  /** How long ago that was, in milliseconds. */
  readonly ageMs: number;
  /** Why the source could not be read since. */
  readonly failure: string | undefined;
}

/** Makes a function that gives a fresh reading where the source can be read in time, and the last one where not. */
function createReader(source: GpuSource, freshMs: number, patienceMs: number): () => Promise<Reading> {
  let gpus: readonly GpuMemory[] | undefined;
  let readAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failure: string | undefined;
  /** Resolves when the source has answered or the patience is over. */
  let answered: Promise<void> = Promise.resolve();
  /** From the beginning of a read until the source has really ended it. */
  let underWay = false;

  function read(): Promise<void> {
    underWay = true;
    triedAt = performance.now();
    const controller = new AbortController();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        failure = 'its source does not answer.';
        controller.abort(new Error(failure));
        resolve();
      }, patienceMs).unref();
      source
        .read(controller.signal)
        .then(
          (found) => {
            gpus = found;
            readAt = performance.now();
            failure = undefined;
          },
          (error: unknown) => {
            failure = error instanceof Error ? error.message : String(error);
          },
        )
        .finally(() => {
          clearTimeout(timer);
          underWay = false;
          resolve();
        });
    });
  }

  return async () => {
    if (!underWay && performance.now() - triedAt >= freshMs) answered = read();
    await answered;
    return { gpus, ageMs: performance.now() - readAt, failure };
  };
}
