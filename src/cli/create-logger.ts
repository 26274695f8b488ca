import pino, { type Logger } from 'pino';

export interface ProcessLogger {
  readonly logger: Logger;
  /** Writes out what is still in memory. */
  flush(): void;
}

/** How long a line may wait in memory, in milliseconds. */
const flushIntervalMs = 100;
/** How much is written at once, in bytes: a write for each line would cost as much as the rest of the call. */
const blockSize = 4096;

/**
 * Makes the process's log: one JSON object a line, with `event` naming what happened.
 *
 * @param level the least weight of a line, as LOG_LEVEL takes it
 * @param fileDescriptor 1 for standard output, 2 for standard error
 */
export function createProcessLogger(level: string, fileDescriptor: 1 | 2): ProcessLogger {
  const destination = pino.destination({ dest: fileDescriptor, sync: true, minLength: blockSize });
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    destination,
  );
  const flush = () => destination.flushSync();
  setInterval(flush, flushIntervalMs).unref();
  process.on('exit', flush);
  return { logger, flush };
}
