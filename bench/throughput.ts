import type { Gateway } from './gateways.ts';
import { type ClosedLoopResult, closedLoop, type NextRequest } from './load.ts';
import { median } from './statistics.ts';

/** How one gateway did in one round. */
export interface Round extends ClosedLoopResult {
  /** Share of the round that the gateway had its core. */
  readonly gatewayBusy: number;
  /** Processor time of the gateway for one request, in microseconds. */
  readonly microsecondsPerRequest: number;
}

export interface Comparison {
  readonly bare: Round;
  readonly skillgate: Round;
  /** Median over the rounds of Skillgate's throughput by the bare handler's. */
  readonly ratio: number;
  /** Rounds that count. */
  readonly rounds: number;
  /** Rounds in which each gateway had its core to itself. Only where there is none do the others count. */
  readonly undisturbed: number;
  readonly disturbed: number;
}

export interface ThroughputOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly connections: number;
}

type Pair = readonly [bare: Round, skillgate: Round];

/** Below this the core was shared, or the load was too low. */
const leastBusy = 0.95;

/**
 * Measures two gateways in turns, so that a change of the machine's mood strikes both, and repeats rounds that
 * something else disturbed, twice as many at most.
 */
export async function compareThroughput(
  bare: Gateway,
  skillgate: Gateway,
  next: NextRequest,
  { rounds, seconds, connections }: ThroughputOptions,
): Promise<Comparison> {
  for (const gateway of [bare, skillgate]) await closedLoop(gateway, next, { connections, seconds });
  const clean: Pair[] = [];
  const disturbed: Pair[] = [];
  while (clean.length < rounds && clean.length + disturbed.length < rounds * 3) {
    const pair: Pair = [
      await measure(bare, next, seconds, connections),
      await measure(skillgate, next, seconds, connections),
    ];
    (pair.every(({ gatewayBusy }) => gatewayBusy >= leastBusy) ? clean : disturbed).push(pair);
  }
  const pairs = clean.length > 0 ? clean : disturbed;
  return {
    bare: medianRound(pairs.map(([round]) => round)),
    skillgate: medianRound(pairs.map(([, round]) => round)),
    ratio: median(pairs.map(([one, other]) => other.perSecond / one.perSecond)),
    rounds: pairs.length,
    undisturbed: clean.length,
    disturbed: disturbed.length,
  };
}

async function measure(
  gateway: Gateway,
  next: NextRequest,
  seconds: number,
  connections: number,
): Promise<Round> {
  const cpuStart = await gateway.cpuSeconds();
  const start = performance.now();
  const result = await closedLoop(gateway, next, { connections, seconds });
  const cpu = (await gateway.cpuSeconds()) - cpuStart;
  return {
    ...result,
    gatewayBusy: cpu / ((performance.now() - start) / 1000),
    microsecondsPerRequest: (cpu / result.requests) * 1e6,
  };
}

function medianRound(rounds: readonly Round[]): Round {
  return {
    requests: rounds.reduce((sum, round) => sum + round.requests, 0),
    errors: rounds.reduce((sum, round) => sum + round.errors, 0),
    perSecond: median(rounds.map((round) => round.perSecond)),
    gatewayBusy: median(rounds.map((round) => round.gatewayBusy)),
    microsecondsPerRequest: median(rounds.map((round) => round.microsecondsPerRequest)),
  };
}
