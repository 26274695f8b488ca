import pino, { type Logger } from 'pino';
import type { Output } from './terminal.ts';

export interface ProcessLogger {
  readonly logger: Logger;
  /** Writes out what is still in memory. */
  flush(): void;
}

/** How long a line may wait in memory, in milliseconds. */
const flushIntervalMs = 100;
/** How much is written at once, in characters: a write for each line would cost as much as the rest of the call. */
const blockSize = 16_384;

/**
 * Makes the process's log: one JSON object a line, with `event` naming what happened.
 *
 * @param level the least weight of a line, as LOG_LEVEL takes it
 * @param stream standard output or standard error
 */
export function createProcessLogger(level: string, stream: Output): ProcessLogger {
  let block = '';
  const flush = () => {
    if (block === '') return;
    // Node writes to files, terminals and pipes before this returns, also while the process exits.
    stream.write(block);
    block = '';
  };
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: createTimestamp(),
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    {
      write(line) {
        block += line;
        if (block.length >= blockSize) flush();
      },
    },
  );
  setInterval(flush, flushIntervalMs).unref();
  process.on('exit', flush);
  return { logger, flush };
}

/** Writes the time of a line (RFC 3339) once a millisecond, and not once a line. */
function createTimestamp(): () => string {
  let lastMs = 0;
  let text = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== lastMs) {
      lastMs = nowMs;
      text = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return text;
  };
}
