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

type Pair<Value> = readonly [bare: Value, skillgate: Value];

/** Below this the core was shared, or the load was too low. */
const leastBusy = 0.95;

/** The two gateways that are compared, freshly started. */
export type StartPair = () => Promise<Pair<Gateway>>;

/** How long V8 is given under load to compile what is hot, in seconds. */
const warmUpSeconds = 8;
/** How long a gateway is measured before it is the other's turn, in seconds: a machine's mood changes in seconds. */
const turnSeconds = 1;

/** Brings a gateway to its working temperature. */
export async function warmUp(gateway: Gateway): Promise<void> {
  await closedLoop(gateway, (source) => source.miss(), { connections: 64, seconds: warmUpSeconds });
}

/**
 * Measures two gateways in turns of a second, so that a change of the machine's mood strikes both, and repeats rounds
 * that something else disturbed, twice as many at most. Each round has processes of its own: two of the same build
 * differ by a tenth, by how V8 has compiled them.
 *
 * @returns a comparison for each kind of request, in their order
 */
export async function compareThroughput(
  startPair: StartPair,
  kinds: readonly NextRequest[],
  { rounds, seconds, connections }: ThroughputOptions,
): Promise<readonly Comparison[]> {
  const measured = kinds.map((next) => ({
    next,
    clean: [] as Pair<Round>[],
    disturbed: [] as Pair<Round>[],
  }));
  for (let round = 0; round < rounds * 3; round += 1) {
    const wanting = measured.filter(({ clean }) => clean.length < rounds);
    if (wanting.length === 0) break;
    const [bare, skillgate] = await startPair();
    for (const gateway of [bare, skillgate]) await warmUp(gateway);
    for (const { next, clean, disturbed } of wanting) {
      const turns: Pair<Turn>[] = [];
      for (let second = 0; second < seconds; second += turnSeconds) {
        turns.push([await measure(bare, next, connections), await measure(skillgate, next, connections)]);
      }
      const pair: Pair<Round> = [
        together(turns.map(([turn]) => turn)),
        together(turns.map(([, turn]) => turn)),
      ];
      (pair.every(({ gatewayBusy }) => gatewayBusy >= leastBusy) ? clean : disturbed).push(pair);
    }
    for (const gateway of [bare, skillgate]) await gateway.stop();
  }
  return measured.map(({ clean, disturbed }) => compare(clean, disturbed));
}

function compare(clean: readonly Pair<Round>[], disturbed: readonly Pair<Round>[]): Comparison {
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

/** How one gateway did in one turn. */
interface Turn {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
}

async function measure(gateway: Gateway, next: NextRequest, connections: number): Promise<Turn> {
  const cpuStart = await gateway.cpuSeconds();
  const start = performance.now();
  const { requests, errors } = await closedLoop(gateway, next, { connections, seconds: turnSeconds });
  const seconds = (performance.now() - start) / 1000;
  return { requests, errors, seconds, cpuSeconds: (await gateway.cpuSeconds()) - cpuStart };
}

function together(turns: readonly Turn[]): Round {
  const total = (of: keyof Turn) => turns.reduce((sum, turn) => sum + turn[of], 0);
  return {
    requests: total('requests'),
    errors: total('errors'),
    perSecond: total('requests') / total('seconds'),
    gatewayBusy: total('cpuSeconds') / total('seconds'),
    microsecondsPerRequest: (total('cpuSeconds') / total('requests')) * 1e6,
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
