import { Counter, Histogram, type Registry } from 'prom-client';
import type { CacheLevel, SkillMeter } from '../contracts/meter.ts';
import { DurationHistogram, Durations } from './durations.ts';

/** Makes the meter of a skill. Meters of the same skill add to the same counts, whatever its version. */
export type MeterFor = (skill: { readonly name: string; readonly version: string }) => SkillMeter;

/** How often something ended one way or another. */
type Counts = Partial<Record<string, number>>;

/** What is counted of one skill, by its name. */
interface SkillCounts {
  /** By version and source, then by code. */
  readonly invocations: Map<string, { readonly labels: InvocationLabels; readonly codes: Counts }>;
  readonly invocationTimes: Durations;
  readonly attempts: Counts;
  readonly attemptTimes: Durations;
  /** By level, then by result. */
  readonly cacheRequests: Readonly<Record<CacheLevel, Counts>>;
}

interface InvocationLabels {
  readonly version: string;
  readonly source: string;
}

/**
 * Registers what is counted at every call. A call adds to plain numbers, and prom-client gets them when somebody
 * scrapes: to hash labels five times a call would cost it several microseconds.
 */
export function createCallMetrics(register: Registry): MeterFor {
  const skills = new Map<string, SkillCounts>();

  function countsOf(name: string): SkillCounts {
    const known = skills.get(name);
    if (known) return known;
    const counts: SkillCounts = {
      invocations: new Map(),
      invocationTimes: new Durations(),
      attempts: {},
      attemptTimes: new Durations(),
      cacheRequests: { memory: {}, redis: {} },
    };
    skills.set(name, counts);
    return counts;
  }

  new Counter({
    name: 'skillgate_invocations_total',
    help: 'Calls by how they ended: ok, or an error code',
    labelNames: ['skill', 'version', 'source', 'code'],
    registers: [register],
    collect() {
      this.reset();
      for (const [skill, { invocations }] of skills) {
        for (const { labels, codes } of invocations.values()) {
          for (const [code, value = 0] of Object.entries(codes)) this.inc({ skill, ...labels, code }, value);
        }
      }
    },
  });
  new DurationHistogram({
    name: 'skillgate_invocation_duration_seconds',
    help: 'Time from the entrypoint to the answer',
    register,
    *read() {
      for (const [skill, { invocationTimes }] of skills) yield [skill, invocationTimes];
    },
  });
  new Counter({
    name: 'skillgate_upstream_attempts_total',
    help: 'Attempts on the model server by outcome: ok, error, timeout, cancelled',
    labelNames: ['skill', 'outcome'],
    registers: [register],
    collect() {
      this.reset();
      for (const [skill, { attempts }] of skills) {
        for (const [outcome, value = 0] of Object.entries(attempts)) this.inc({ skill, outcome }, value);
      }
    },
  });
  new DurationHistogram({
    name: 'skillgate_upstream_duration_seconds',
    help: 'Time of one attempt on the model server',
    register,
    *read() {
      for (const [skill, { attemptTimes }] of skills) yield [skill, attemptTimes];
    },
  });
  new Counter({
    name: 'skillgate_cache_requests_total',
    help: 'Look-ups in the answer cache by level and result',
    labelNames: ['skill', 'level', 'result'],
    registers: [register],
    collect() {
      this.reset();
      for (const [skill, { cacheRequests }] of skills) {
        for (const [level, results] of Object.entries(cacheRequests)) {
          for (const [result, value = 0] of Object.entries(results))
            this.inc({ skill, level, result }, value);
        }
      }
    },
  });

  // Once a batch, not once a call: prom-client may do it.
  const batches = new Histogram({
    name: 'skillgate_batch_size',
    help: 'Calls that went to the model together',
    labelNames: ['skill'],
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
    registers: [register],
  });

  return ({ name, version }) => {
    const { invocations, invocationTimes, attempts, attemptTimes, cacheRequests } = countsOf(name);
    const codesBySource: Partial<Record<string, Counts>> = {};

    function codesOf(source: string): Counts {
      const key = `${version} ${source}`;
      const known = invocations.get(key) ?? { labels: { version, source }, codes: {} };
      invocations.set(key, known);
      return known.codes;
    }

    return {
      invocation(source, code, seconds) {
        codesBySource[source] ??= codesOf(source);
        add(codesBySource[source], code);
        invocationTimes.add(seconds);
      },
      attempt(outcome, seconds) {
        add(attempts, outcome);
        attemptTimes.add(seconds);
      },
      batch(size) {
        batches.observe({ skill: name }, size);
      },
      cacheRequest(level, result) {
        add(cacheRequests[level], result);
      },
    };
  };
}

function add(counts: Counts, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
