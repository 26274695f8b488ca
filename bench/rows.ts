import { compareLatency, type Ways } from './latency.ts';
import { closedLoop, type NextRequest, type Target } from './load.ts';
import type { Row } from './report.ts';
import type { SoakResult } from './soak.ts';
import { measureStartup } from './startup.ts';
import { median, type Trend } from './statistics.ts';
import { type Comparison, compareThroughput, type StartPair, type ThroughputOptions } from './throughput.ts';

const targets = {
  missRatio: 0.7,
  hitRatio: 0.5,
  addedP99Ms: 0.5,
  startupMs: 1500,
  residentSlope: 0.1,
};

/** Throughput of misses and hits, after the proof that the far side can take more. */
export async function throughputRows(
  direct: Target,
  start: { readonly asMeant: StartPair; readonly withRateLimit: StartPair },
  options: ThroughputOptions,
  notes: string[],
): Promise<Row[]> {
  const ceiling = await closedLoop(direct, (source) => source.miss(), { ...options, seconds: 2 });
  const miss: NextRequest = (source) => source.miss();
  const hit: NextRequest = (source) => source.hit();
  const [misses, hits] = await compareThroughput(start.asMeant, [miss, hit], options);
  const [limited] = await compareThroughput(start.withRateLimit, [miss], { ...options, rounds: 3 });
  if (!misses || !hits || !limited) throw new Error('a comparison is missing');
  return [
    { what: 'load straight on the model server', measured: perSecond(ceiling.perSecond) },
    ...comparisonRows('misses', misses, targets.missRatio, ceiling.perSecond, notes),
    ...comparisonRows('hits', hits, targets.hitRatio, ceiling.perSecond, notes),
    {
      what: 'misses, Skillgate with a rate limit as well, by bare',
      measured: `${limited.ratio.toFixed(2)} (median of ${limited.rounds} rounds)`,
    },
  ];
}

/** @param ceiling what the load gets out of the model server with no gateway between them, a second */
function comparisonRows(
  kind: string,
  result: Comparison,
  target: number,
  ceiling: number,
  notes: string[],
): Row[] {
  const { bare, skillgate, ratio, rounds, undisturbed, disturbed } = result;
  const errors = bare.errors + skillgate.errors;
  if (undisturbed < 3) {
    notes.push(
      `${kind}: in ${disturbed} rounds something else took more than 5 % of the gateway's core; ` +
        'measure again on a quiet machine.',
    );
  }
  // A hit costs the far side less than a request to the model server, so that more of them than the ceiling can be.
  if (kind === 'misses' && bare.perSecond > 0.8 * ceiling) {
    notes.push(`${kind}: model server and load were the limit, not the gateway.`);
  }
  const gateway = ({ perSecond: rate, microsecondsPerRequest }: Comparison['bare']) =>
    `${perSecond(rate)}, ${microsecondsPerRequest.toFixed(1)} µs of processor each`;
  return [
    { what: `${kind}, bare handler`, measured: gateway(bare) },
    { what: `${kind}, Skillgate`, measured: gateway(skillgate) },
    {
      what: `${kind}, Skillgate by bare`,
      measured:
        `${ratio.toFixed(2)} (median of ${rounds} rounds, ${errors} errors); ` +
        `by processor time ${(bare.microsecondsPerRequest / skillgate.microsecondsPerRequest).toFixed(2)}`,
      target: `at least ${target}`,
      met: ratio >= target && errors === 0,
    },
  ];
}

/** Latency that the gateways add at a steady thousand requests a second. */
export async function latencyRows(
  ways: Ways<Target>,
  { rounds, seconds }: ThroughputOptions,
  notes: string[],
): Promise<Row[]> {
  const rate = 1000;
  const { direct, bare, skillgate } = await compareLatency(ways, { rate, rounds, seconds });
  if (direct.lateP99Ms > 0.2) {
    notes.push(
      `latency: the load itself was ${milliseconds(direct.lateP99Ms)} late (p99): not a quiet machine.`,
    );
  }
  const row = (name: string, { p50Ms, p99Ms }: { p50Ms: number; p99Ms: number }): Row => ({
    what: `misses at ${rate}/s, ${name}`,
    measured: `p50 ${milliseconds(p50Ms)}, p99 ${milliseconds(p99Ms)}`,
  });
  const added = skillgate.p99Ms - bare.p99Ms;
  const errors = direct.errors + bare.errors + skillgate.errors;
  return [
    row('model server alone', direct),
    row('bare handler', bare),
    row('Skillgate', skillgate),
    {
      what: 'p99 that Skillgate adds',
      measured:
        `${milliseconds(added)} to the bare handler, ${milliseconds(skillgate.p99Ms - direct.p99Ms)} to the ` +
        `model server (medians of ${rounds} rounds, ${errors} errors)`,
      target: `at most ${targets.addedP99Ms} ms`,
      met: added <= targets.addedP99Ms && errors === 0,
    },
  ];
}

/** `npm start` to the first answer of the embedded model. */
export async function startupRows(rounds: number): Promise<Row[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push(await measureStartup());
  const time = median(times);
  return [
    {
      what: '`npm start` to the first answer',
      measured: `${Math.round(time)} ms (median of ${rounds})`,
      target: `at most ${targets.startupMs} ms`,
      met: time <= targets.startupMs,
    },
  ];
}

/** Errors and memory over minutes. */
export function soakRows(result: SoakResult): Row[] {
  const { minutes, settlingMinutes, requests, errors, failures, resident, heap, residentMib } = result;
  const statuses = [...failures].map(([status, count]) => `, ${count} with status ${status}`).join('');
  const what = `${minutes} minutes at 500/s`;
  return [
    {
      what: `${what}, errors, with those of the ${settlingMinutes} minutes before`,
      measured: `${errors} of ${requests + errors}${statuses}`,
      target: '0',
      met: errors === 0,
    },
    {
      what: `${what}, growth of resident memory after warm-up`,
      measured: `${mibAMinute(resident)}; ${residentMib.toFixed(0)} MiB at the end`,
      target: `at most ${targets.residentSlope} MiB a minute`,
      met: resident.slope <= targets.residentSlope,
    },
    { what: `${what}, growth of the used heap`, measured: mibAMinute(heap) },
  ];
}

const mibAMinute = ({ slope, error }: Trend) => `${slope.toFixed(3)} ± ${error.toFixed(3)} MiB a minute`;
const perSecond = (rate: number) => `${Math.round(rate).toLocaleString('en')}/s`;
const milliseconds = (ms: number) => `${ms.toFixed(2)} ms`;
