import { type OpenLoopResult, openLoop, type Target } from './load.ts';
import { median } from './statistics.ts';

/** Medians over the rounds, in milliseconds. */
export interface Latency {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lateP99Ms: number;
  readonly errors: number;
}

export interface LatencyOptions {
  /** Requests a second. */
  readonly rate: number;
  readonly rounds: number;
  readonly seconds: number;
}

const ways = ['direct', 'bare', 'skillgate'] as const;

/** The ways to the model server: straight, or through a gateway. */
export type Ways<Value> = Readonly<Record<(typeof ways)[number], Value>>;

/** Measures misses at a steady rate on each way in turns. */
export async function compareLatency(
  targets: Ways<Target>,
  { rate, rounds, seconds }: LatencyOptions,
): Promise<Ways<Latency>> {
  const runs: Ways<OpenLoopResult[]> = { direct: [], bare: [], skillgate: [] };
  for (const way of ways) await openLoop(targets[way], (source) => source.miss(), { rate, seconds: 2 });
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) {
      runs[way].push(await openLoop(targets[way], (source) => source.miss(), { rate, seconds }));
    }
  }
  return { direct: summary(runs.direct), bare: summary(runs.bare), skillgate: summary(runs.skillgate) };
}

function summary(runs: readonly OpenLoopResult[]): Latency {
  return {
    p50Ms: median(runs.map((run) => run.p50Ms)),
    p99Ms: median(runs.map((run) => run.p99Ms)),
    lateP99Ms: median(runs.map((run) => run.lateP99Ms)),
    errors: runs.reduce((sum, run) => sum + run.errors, 0),
  };
}
