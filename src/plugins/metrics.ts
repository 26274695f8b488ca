import fastifyPlugin from 'fastify-plugin';
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { JobStatus } from '../contracts/jobs.ts';
import type { CircuitState } from '../contracts/meter.ts';
import type { GpuMemory } from '../contracts/readiness.ts';
import type { Skill, SkillCatalog } from '../contracts/skill.ts';
import type { Warn } from '../lib/warn.ts';
import { createCallMetrics, type MeterFor } from './call-metrics.ts';

/** Every metric of the gateway. Labels come from loaded definitions only, never from a request. */
export interface Metrics {
  /** The counters of one skill. */
  readonly meterFor: MeterFor;
  /** Lets the gauges read from the skills that are served, whenever somebody scrapes. */
  watch(catalog: SkillCatalog): void;
  /** Lets the gauge of jobs ask for their numbers, whenever somebody scrapes. */
  watchJobs(counts: () => Promise<Readonly<Record<JobStatus, number>>>, warn: Warn): void;
  reloadFailed(): void;
  /** Everything, in the Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
}

const circuitValue: Readonly<Record<CircuitState, number>> = { closed: 0, half_open: 1, open: 2 };

/** Makes the metrics, with the process's own (memory, CPU, event loop) beside them. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const meterFor = createCallMetrics(registry);
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
    meterFor,
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
