import { loadConfig } from '../config/load-config.ts';
import { serveMcpOverStdio } from '../entrypoints/mcp/stdio.ts';
import { createToolHost } from '../entrypoints/mcp/tool-host.ts';
import { createGateway } from '../gateway.ts';
import { createMetrics } from '../plugins/metrics.ts';
import { version } from '../version.ts';
import { createProcessLogger } from './create-logger.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import type { Terminal } from './terminal.ts';

/**
 * `skillgate mcp`: serves the skills as MCP tools to the client that started this process, until that closes standard
 * input or sends SIGTERM. Standard output carries the protocol, so the log goes to standard error.
 *
 * @throws ConfigError, SkillsError
 */
export async function serveMcp({ env, stderr }: Terminal): Promise<ExitCode> {
  const config = loadConfig(env, { listens: false });
  const { logger, flush } = createProcessLogger(config.logLevel, stderr);
  const stopped = new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
  const gateway = await createGateway({ config, logger, metrics: createMetrics() });
  // There is no way by which this client could fetch a kept result.
  const results = { keep: () => undefined, find: () => undefined };
  const connection = serveMcpOverStdio({
    host: createToolHost({ ...gateway, results, resultTtlMs: 0 }),
    identity: { name: 'skillgate', version },
    logger,
    onChange: gateway.onChange,
    stdin: process.stdin,
    stdout: process.stdout,
    messageLimit: config.bodyLimitBytes,
  });
  gateway.watch();
  await Promise.race([connection.closed, stopped]);
  await connection.close();
  await gateway.close();
  flush();
  return exitCode.done;
}
