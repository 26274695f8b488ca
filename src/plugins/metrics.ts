import fastifyPlugin from 'fastify-plugin';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { JobStatus } from '../contracts/jobs.ts';
import type { CircuitState, SkillMeter } from '../contracts/meter.ts';
import type { GpuMemory } from '../contracts/readiness.ts';
import type { Skill, SkillCatalog } from '../contracts/skill.ts';
import type { Warn } from '../lib/warn.ts';

/** Every metric of the gateway. Labels come from loaded definitions only, never from a request. */
export interface Metrics {
  /** The counters of one skill. */
  meterFor(skill: { readonly name: string; readonly version: string }): SkillMeter;
  /** Lets the gauges read from the skills that are served, whenever somebody scrapes. */
  watch(catalog: SkillCatalog): void;
  /** Lets the gauge of jobs ask for their numbers, whenever somebody scrapes. */
  watchJobs(counts: () => Promise<Readonly<Record<JobStatus, number>>>, warn: Warn): void;
  reloadFailed(): void;
  /** Everything, in the Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

/** From a cache hit to a slow model, in seconds. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

const batchSizes = [1, 2, 4, 8, 16, 32, 64, 128, 256];

const circuitValue: Readonly<Record<CircuitState, number>> = { closed: 0, half_open: 1, open: 2 };

/** Makes the metrics, with the process's own (memory, CPU, event loop) beside them. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const invocations = new Counter({
    name: 'skillgate_invocations_total',
    help: 'Calls by how they ended: ok, or an error code',
    labelNames: ['skill', 'version', 'source', 'code'],
    registers,
  });
  const invocationSeconds = new Histogram({
    name: 'skillgate_invocation_duration_seconds',
    help: 'Time from the entrypoint to the answer',
    labelNames: ['skill'],
    buckets,
    registers,
  });
  const attempts = new Counter({
    name: 'skillgate_upstream_attempts_total',
    help: 'Attempts on the model server by outcome: ok, error, timeout, cancelled',
    labelNames: ['skill', 'outcome'],
    registers,
  });
  const attemptSeconds = new Histogram({
    name: 'skillgate_upstream_duration_seconds',
    help: 'Time of one attempt on the model server',
    labelNames: ['skill'],
    buckets,
    registers,
  });
  const batches = new Histogram({
    name: 'skillgate_batch_size',
    help: 'Calls that went to the model together',
    labelNames: ['skill'],
    buckets: batchSizes,
    registers,
  });
  const cacheRequests = new Counter({
    name: 'skillgate_cache_requests_total',
    help: 'Look-ups in the answer cache by level and result',
    labelNames: ['skill', 'level', 'result'],
    registers,
  });
  const reloadFailures = new Counter({
    name: 'skillgate_skill_reload_failures_total',
    help: 'Reloads of the skills folder that met a faulty definition',
    registers,
  });

  function skillGauge(
    catalog: SkillCatalog,
    name: string,
    help: string,
    read: (skill: Skill) => number,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: ['skill'],
      registers,
      collect() {
        this.reset();
        for (const skill of catalog.list()) this.set({ skill: skill.compiled.definition.name }, read(skill));
      },
    });
  }

  return {
    meterFor({ name: skill, version }) {
      const seconds = invocationSeconds.labels({ skill });
      const attemptTime = attemptSeconds.labels({ skill });
      return {
        invocation(source, code, duration) {
          invocations.inc({ skill, version, source, code });
          seconds.observe(duration);
        },
        attempt(outcome, duration) {
          attempts.inc({ skill, outcome });
          attemptTime.observe(duration);
        },
        batch(size) {
          batches.observe({ skill }, size);
        },
        cacheRequest(level, result) {
          cacheRequests.inc({ skill, level, result });
        },
      };
    },
    watch(catalog) {
      skillGauge(
        catalog,
        'skillgate_in_flight',
        'Calls in flight to the model',
        ({ gauges }) => gauges.inFlight,
      );
      skillGauge(
        catalog,
        'skillgate_queue_depth',
        'Calls waiting for a place',
        ({ gauges }) => gauges.queued,
      );
      skillGauge(
        catalog,
        'skillgate_circuit_state',
        'Circuit breaker: 0 closed, 1 half-open, 2 open',
        ({ gauges }) => circuitValue[gauges.circuit],
      );
      skillGauge(catalog, 'skillgate_model_ready', 'Whether the model is ready', ({ readiness }) =>
        readiness.current?.state === 'ready' ? 1 : 0,
      );
      skillGauge(
        catalog,
        'skillgate_skill_load_seconds',
        'Time to read, check and compile the definition',
        ({ compiled }) => compiled.loadSeconds,
      );
      new Gauge({
        name: 'skillgate_gpu_memory_free_bytes',
        help: 'Free GPU memory as last probed',
        labelNames: ['device'],
        registers,
        collect() {
          this.reset();
          for (const { uuid, freeMib } of probedGpus(catalog))
            this.set({ device: uuid }, freeMib * 1024 * 1024);
        },
      });
    },
    watchJobs(counts, warn) {
      new Gauge({
        name: 'skillgate_jobs',
        help: 'Jobs by state, those of all processes that share them',
        labelNames: ['status'],
        registers,
        async collect() {
          this.reset();
          try {
            for (const [status, count] of Object.entries(await counts())) this.set({ status }, count);
          } catch (error) {
            // The other metrics are worth having all the same.
            warn('jobs_not_counted', error);
          }
        },
      });
    },
    reloadFailed: () => reloadFailures.inc(),
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function* probedGpus(catalog: SkillCatalog): Iterable<GpuMemory> {
  for (const { readiness } of catalog.list()) if (readiness.current?.gpu) yield readiness.current.gpu;
}

/** `GET /metrics` for Prometheus. */
export const metricsRoute = fastifyPlugin<{ readonly metrics: Metrics }>(
  async (app, { metrics }) => {
    app.get('/metrics', async (_request, reply) =>
      reply.header('content-type', metrics.contentType).send(await metrics.text()),
    );
  },
  { name: 'metrics' },
);
