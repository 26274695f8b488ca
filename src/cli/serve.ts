import { type App, createApp } from '../app.ts';
import { loadConfig } from '../config/load-config.ts';
import { createProcessLogger, type ProcessLogger } from './create-logger.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/** How long the end may take beyond SHUTDOWN_GRACE_MS, in milliseconds, before the process ends without it. */
const closeMarginMs = 1000;

/** The gateway cannot listen where it was told to. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * `skillgate serve`: runs the gateway until SIGTERM or SIGINT. Then calls under way may end within SHUTDOWN_GRACE_MS,
 * and what is left is cut off; a second signal ends the process at once.
 *
 * @returns when everything is closed, or when closing took too long
 * @throws ConfigError, SkillsError, ListenError
 */
export async function serve({ env, stdout }: Terminal): Promise<ExitCode> {
  const config = loadConfig(env);
  const { logger, flush } = createProcessLogger(config.logLevel, stdout);
  if (config.upstreamTlsInsecure) logger.warn('upstream_tls_insecure');
  const stop = firstStopSignal();
  const app = await createApp({ config, logger });
  const address = await listen(app, config.host, config.port);
  const skills = app.gateway.catalog.list().length;
  // The clock of performance.now() begins with the process.
  logger.info({ address, skills, start_ms: Math.round(performance.now()) }, 'listening');
  flush();

  const signal = await stop;
  logger.info({ signal, grace_ms: config.shutdownGraceMs }, 'stopping');
  flush();
  return close(app, config.shutdownGraceMs, logger);
}

async function listen(app: App, host: string, port: number): Promise<string> {
  try {
    return await app.listen();
  } catch (error) {
    await app.close(0);
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const reason = typeof code === 'string' ? listenReasons[code] : undefined;
    if (reason === undefined) throw error;
    throw new ListenError(`cannot listen on ${host}, port ${port}: ${reason}`, { cause: error });
  }
}

const listenReasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has it (another gateway?); set PORT to a free one, or to 0 for any',
  EACCES: 'this user may not; ports below 1024 often need more rights, set PORT to a higher one',
  EADDRNOTAVAIL: 'this machine does not have that address; set HOST to one it has',
};

/** Resolves at the first signal to stop. The next one ends the process at once. */
function firstStopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = (signal: NodeJS.Signals) => {
      if (isStopping) process.exit(exitCode.failed);
      isStopping = true;
      resolve(signal);
    };
    process.on('SIGTERM', stop).on('SIGINT', stop);
  });
}

async function close(app: App, graceMs: number, logger: ProcessLogger['logger']): Promise<ExitCode> {
  const overdue = Promise.withResolvers<'overdue'>();
  const timer = setTimeout(() => overdue.resolve('overdue'), graceMs + closeMarginMs);
  try {
    const closed = app.close(graceMs).then(() => 'closed' as const);
    const outcome = await Promise.race([closed, overdue.promise]);
    logger.info({ closed: outcome === 'closed' }, 'stopped');
    return exitCode.done;
  } finally {
    clearTimeout(timer);
  }
}
