import type { Logger } from '../contracts/logger.ts';
import { type ExitCode, exitCode } from './exit-code.ts';

/** How long the end may take beyond SHUTDOWN_GRACE_MS, in milliseconds, before the process ends without it. */
const closeMarginMs = 1000;

/** Resolves at the first signal to stop. The next one ends the process at once. */
export function firstStopSignal(): Promise<NodeJS.Signals> {
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

/**
 * Closes what runs, and waits for it a little longer than it should take.
 *
 * @param graceMs how long work under way may take to end, in milliseconds
 */
export async function closeWithin(
  close: (graceMs: number) => Promise<void>,
  graceMs: number,
  logger: Pick<Logger, 'info'>,
): Promise<ExitCode> {
  const overdue = Promise.withResolvers<'overdue'>();
  const timer = setTimeout(() => overdue.resolve('overdue'), graceMs + closeMarginMs);
  try {
    const closed = close(graceMs).then(() => 'closed' as const);
    const outcome = await Promise.race([closed, overdue.promise]);
    logger.info({ closed: outcome === 'closed' }, 'stopped');
    return exitCode.done;
  } finally {
    clearTimeout(timer);
  }
}
