import { setTimeout as pause } from 'node:timers/promises';
import type { Gateway } from './gateways.ts';
import { closedLoop, type NextRequest, openLoop } from './load.ts';
import { readMetrics } from './metrics.ts';
import { type Trend, trend } from './statistics.ts';

export interface SoakResult {
  readonly minutes: number;
  /** The minutes at the same rate before them, in which memory does not count, but errors do. */
  readonly settlingMinutes: number;
  readonly requests: number;
  readonly errors: number;
  readonly failures: ReadonlyMap<number, number>;
  /** Growth of the resident memory after warm-up, in MiB a minute. */
  readonly resident: Trend;
  /** Growth of the used JavaScript heap after warm-up, in MiB a minute. */
  readonly heap: Trend;
  readonly residentMib: number;
}

interface Sample {
  readonly minute: number;
  readonly residentMib: number;
  readonly heapMib: number;
}

/**
 * Options for Node with which a gateway collects its garbage when it gets SIGUSR2, as V8 does by itself. The inspector's
 * `HeapProfiler.collectGarbage` is the collection for want of memory: it takes the young generation down to a few pages,
 * which then grow again.
 */
export const collectsOnSignal = [
  '--expose-gc',
  '--import',
  'data:text/javascript,process.on("SIGUSR2",()=>gc())',
];

/**
 * How long the gateway is under full load before: some hundred thousand calls, which at the steady rate would take half
 * an hour. V8 goes on compiling what is seldom called, and that code is memory too.
 */
const warmUpSeconds = 60;
/** How long it then has the steady rate, in which the heap finds the size that this needs. */
const settlingMinutes = 10;
const sampleMs = 30_000;
/** V8 gives pages back in the course of later collections. */
const collections = 3;
const collectionsApartMs = 300;
const mib = 1024 * 1024;

/**
 * Sends a steady rate for minutes after a warm-up, half of it misses, and watches the gateway's memory through its own
 * /metrics, each time after V8 has collected the garbage: else what is seen is how long ago that was.
 *
 * @param gateway started with `collectsOnSignal`
 */
export async function soak(
  gateway: Gateway,
  { rate, minutes }: { rate: number; minutes: number },
): Promise<SoakResult> {
  let turn = 0;
  const next: NextRequest = (source) => {
    turn += 1;
    return turn % 2 === 0 ? source.hit() : source.miss();
  };
  await closedLoop(gateway, next, { connections: 64, seconds: warmUpSeconds });
  const samples: Sample[] = [];
  const start = performance.now();
  const sampler = setInterval(async () => {
    try {
      for (let collection = 0; collection < collections; collection += 1) {
        process.kill(gateway.pid, 'SIGUSR2');
        await pause(collectionsApartMs);
      }
      samples.push(await sample(gateway, (performance.now() - start) / 60_000));
    } catch (error) {
      console.error('a sample is missing:', error);
    }
  }, sampleMs);
  try {
    const result = await openLoop(gateway, next, { rate, seconds: (settlingMinutes + minutes) * 60 });
    const counted = samples.filter(({ minute }) => minute >= settlingMinutes);
    return {
      minutes,
      settlingMinutes,
      requests: result.requests,
      errors: result.errors,
      failures: result.failures,
      resident: trend(counted.map(({ minute, residentMib }) => [minute, residentMib])),
      heap: trend(counted.map(({ minute, heapMib }) => [minute, heapMib])),
      residentMib: counted.at(-1)?.residentMib ?? Number.NaN,
    };
  } finally {
    clearInterval(sampler);
  }
}

async function sample(gateway: Gateway, minute: number): Promise<Sample> {
  const value = await readMetrics(gateway);
  return {
    minute,
    residentMib: value('process_resident_memory_bytes') / mib,
    heapMib: value('nodejs_heap_size_used_bytes') / mib,
  };
}
