import { join } from 'node:path';
import type { Config } from './config/load-config.ts';
import type { JobBackend, JobBackendOptions } from './contracts/jobs.ts';
import type { Logger } from './contracts/logger.ts';
import type { Gateway } from './gateway.ts';
import { createJobService, type RunningJobService } from './jobs/service.ts';
import { type JobWorker, startJobWorker } from './jobs/worker.ts';
import { openBrokerJobs } from './stores/broker-jobs.ts';
import { openSqliteJobs } from './stores/sqlite-jobs.ts';

/** The jobs of this process. */
export interface Jobs {
  readonly service: RunningJobService;
  readonly backend: JobBackend;
  /** Takes jobs from now on, as many at a time as JOB_CONCURRENCY says. */
  startWorker(): void;
  /** Lets those go who wait, and ends the worker as `JobWorker.stop` does. */
  stop(graceMs: number): Promise<void>;
  /** Lets go of the jobs, once nobody asks for them any more. */
  close(): Promise<void>;
}

export interface JobsOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly gateway: Pick<Gateway, 'invoker' | 'catalog'>;
}

/**
 * Opens the place where jobs are kept: RabbitMQ with Redis where AMQP_URL is set, else a file.
 *
 * @throws JobBackendError where it cannot be opened
 */
export function openJobBackend(config: Config, logger: Logger): Promise<JobBackend> {
  const options: JobBackendOptions = {
    queueMax: config.jobQueueMax,
    leaseMs: config.jobLeaseMs,
    maxAttempts: config.jobMaxAttempts,
    resultTtlMs: config.jobResultTtlMs,
    warn: (event, error) => logger.warn({ err: error }, event),
  };
  const { amqpUrl, redisUrl } = config;
  if (amqpUrl && redisUrl) return openBrokerJobs({ ...options, amqpUrl, redisUrl, logger });
  return openSqliteJobs({
    ...options,
    path: join(config.dataDir, 'jobs.sqlite'),
    maxBytes: config.jobStoreMaxBytes,
  });
}

/**
 * Puts together what accepts jobs and what runs them.
 *
 * @throws JobBackendError
 */
export async function openJobs({ config, logger, gateway }: JobsOptions): Promise<Jobs> {
  const { invoker, catalog } = gateway;
  const backend = await openJobBackend(config, logger);
  const service = createJobService({ store: backend, invoker });
  let worker: JobWorker | undefined;
  return {
    service,
    backend,
    startWorker() {
      worker ??= startJobWorker({
        queue: backend,
        invoker,
        catalog,
        logger,
        concurrency: config.jobConcurrency,
        maxAttempts: config.jobMaxAttempts,
        backoff: { baseMs: config.jobRetryBaseMs, maxMs: config.jobRetryMaxMs },
        resultMaxBytes: config.jobResultMaxBytes,
      });
    },
    async stop(graceMs) {
      service.stopWaiting();
      await worker?.stop(graceMs);
    },
    close: () => backend.close(),
  };
}
