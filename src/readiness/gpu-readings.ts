import type { GpuReading } from '../contracts/readiness.ts';
import type { OpenGpuSource } from './gpu-sources.ts';
import { type GpuDemand, type GpuVerdict, judgeGpu } from './gpu-verdict.ts';

/** What a skill demands of the GPUs, ready to be checked. */
export interface GpuRequirement {
  /**
   * Says whether the demand is met. Never throws.
   *
   * @param keepMs how old a reading may be, in milliseconds, to count where the source has failed since
   */
  check(keepMs: number): Promise<GpuVerdict>;
}

/** The GPUs that all skills look at: each source is read once for all of them, and never twice at a time. */
export interface GpuReadings {
  /** @throws DefinitionError where the source's URL is none */
  requirement(demand: GpuDemand & { readonly source: string; readonly url?: string }): GpuRequirement;
}

export interface GpuReadingsOptions {
  readonly open: OpenGpuSource;
  /** How long a reading serves everybody who asks, in milliseconds. */
  readonly freshMs?: number;
  /** How long a check waits for a source, in milliseconds; then the last reading has to do. */
  readonly patienceMs?: number;
  /** How long a source may take, in milliseconds: metrics can stand behind the requests that run. */
  readonly timeoutMs?: number;
}

interface Limits {
  readonly freshMs: number;
  readonly patienceMs: number;
  readonly timeoutMs: number;
}

/** Makes the readings, which begin when somebody asks. */
export function createGpuReadings({
  open,
  freshMs = 1000,
  patienceMs = 4000,
  timeoutMs = 20_000,
}: GpuReadingsOptions): GpuReadings {
  const readers = new Map<string, () => Promise<LastReading>>();

  function readerOf(source: string, url: string | undefined): () => Promise<LastReading> {
    const key = `${source} ${url ?? ''}`;
    const known = readers.get(key);
    if (known !== undefined) return known;
    const opened = open(source, url);
    const made = createReader((signal) => opened.read(signal), { freshMs, patienceMs, timeoutMs });
    readers.set(key, made);
    return made;
  }

  return {
    requirement({ source, url, ...demand }) {
      const reader = readerOf(source, url);
      let wasExhausted = false;
      return {
        async check(keepMs) {
          const { reading, ageMs, failure } = await reader();
          if (!reading || (failure !== undefined && ageMs > keepMs)) {
            return { state: 'unknown', reason: `The GPU's state is unknown: ${failure ?? 'not read yet.'}` };
          }
          const verdict = judgeGpu(reading, demand, wasExhausted);
          if (verdict.state !== 'unknown') wasExhausted = verdict.state === 'exhausted';
          return verdict;
        },
      };
    },
  };
}

interface LastReading {
  /** As last read; undefined where that never went well. */
  readonly reading: GpuReading | undefined;
  /** How long ago that was, in milliseconds. */
  readonly ageMs: number;
  /** Why the source could not be read since. */
  readonly failure: string | undefined;
}

/** Makes a function that gives a fresh reading where the source can be read in time, and the last one where not. */
function createReader(
  readSource: (signal: AbortSignal) => Promise<GpuReading>,
  { freshMs, patienceMs, timeoutMs }: Limits,
): () => Promise<LastReading> {
  let reading: GpuReading | undefined;
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
      const patience = setTimeout(() => {
        failure = 'its source does not answer.';
        resolve();
      }, patienceMs).unref();
      const timeout = setTimeout(
        () => controller.abort(new Error(`its source did not answer within ${timeoutMs} ms.`)),
        timeoutMs,
      ).unref();
      readSource(controller.signal)
        .then(
          (found) => {
            reading = found;
            readAt = performance.now();
            failure = undefined;
          },
          (error: unknown) => {
            failure = error instanceof Error ? error.message : String(error);
          },
        )
        .finally(() => {
          clearTimeout(patience);
          clearTimeout(timeout);
          underWay = false;
          resolve();
        });
    });
  }

  return async () => {
    if (!underWay && performance.now() - triedAt >= freshMs) answered = read();
    await answered;
    return { reading, ageMs: performance.now() - readAt, failure };
  };
}
