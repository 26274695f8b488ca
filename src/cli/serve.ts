import { type App, createApp } from '../app.ts';
import { loadConfig } from '../config/load-config.ts';
import { createProcessLogger } from './create-logger.ts';
import type { ExitCode } from './exit-code.ts';
import { closeWithin, firstStopSignal } from './stop.ts';
import type { Terminal } from './terminal.ts';

/** The gateway cannot listen where it was told to. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * `skillgate serve`: runs the gateway until SIGTERM or SIGINT. Then calls under way may end within SHUTDOWN_GRACE_MS,
 * and what is left is cut off; a second signal ends the process at once.
 *
 * @returns when everything is closed, or when closing took too long
 * @throws ConfigError, SkillsError, JobBackendError, ListenError
 */
export async function serve({ env, stdout }: Terminal): Promise<ExitCode> {
  const config = loadConfig(env);
  const { logger, flush } = createProcessLogger(config.logLevel, stdout);
  if (config.upstreamTlsInsecure) logger.warn({}, 'upstream_tls_insecure');
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
  return closeWithin((graceMs) => app.close(graceMs), config.shutdownGraceMs, logger);
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
