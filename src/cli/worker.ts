import { openJobs } from '../assemble-jobs.ts';
import { ConfigError } from '../config/config-error.ts';
import { loadConfig } from '../config/load-config.ts';
import { createGateway } from '../gateway.ts';
import { createMetrics } from '../plugins/metrics.ts';
import { createProcessLogger } from './create-logger.ts';
import type { ExitCode } from './exit-code.ts';
import { closeWithin, firstStopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';

/**
 * `skillgate worker`: runs jobs without HTTP until SIGTERM or SIGINT. Then jobs under way may end within
 * SHUTDOWN_GRACE_MS, and the others are handed back; a second signal ends the process at once.
 *
 * @throws ConfigError, SkillsError, JobBackendError
 */
export async function worker({ env, stdout }: Terminal): Promise<ExitCode> {
  const config = loadConfig(env, { listens: false });
  if (config.jobConcurrency === 0) {
    throw new ConfigError([
      { name: 'JOB_CONCURRENCY', reason: 'takes at least 1 for a worker, which would have nothing to do' },
    ]);
  }
  const { logger, flush } = createProcessLogger(config.logLevel, stdout);
  if (config.upstreamTlsInsecure) logger.warn({}, 'upstream_tls_insecure');
  const stop = firstStopSignal();
  const gateway = await createGateway({ config, logger, metrics: createMetrics() });
  const jobs = await openJobs({ config, logger, gateway }).catch(async (error: unknown) => {
    await gateway.close();
    throw error;
  });
  gateway.watch();
  jobs.startWorker();
  const skills = gateway.catalog.list().length;
  logger.info({ concurrency: config.jobConcurrency, skills, pid: process.pid }, 'working');
  flush();

  const signal = await stop;
  logger.info({ signal, grace_ms: config.shutdownGraceMs }, 'stopping');
  flush();
  const close = async (graceMs: number) => {
    await jobs.stop(graceMs);
    await jobs.close();
    await gateway.close();
  };
  return closeWithin(close, config.shutdownGraceMs, logger);
}
