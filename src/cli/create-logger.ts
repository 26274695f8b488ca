import pino from 'pino';
import type { LogFields, Logger } from '../contracts/logger.ts';
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
  const write = (line: string) => {
    block += line;
    if (block.length >= blockSize) flush();
  };
  const timestamp = createTimestamp();
  const logger = pino(
    {
      level,
      base: null,
      messageKey: 'event',
      timestamp,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.errWithCause },
    },
    { write },
  );
  setInterval(flush, flushIntervalMs).unref();
  process.on('exit', flush);
  return { logger: logger.isLevelEnabled('info') ? withPlainInfo(logger, timestamp, write) : logger, flush };
}

/**
 * Writes the lines at info, of which there is one a call, without pino's detour: it asks JSON.stringify for each key and
 * each value, where one question for the line gives the same text. Whatever needs pino's serializers goes to pino.
 */
function withPlainInfo(logger: Logger, timestamp: () => string, write: (line: string) => void): Logger {
  return {
    debug: (fields, event) => logger.debug(fields, event),
    info(fields, event) {
      if ('err' in fields) logger.info(fields, event);
      else write(`{"level":"info"${timestamp()}${members(fields)},"event":${JSON.stringify(event)}}\n`);
    },
    warn: (fields, event) => logger.warn(fields, event),
    error: (fields, event) => logger.error(fields, event),
  };
}

/** The members of an object as they stand in its JSON text, each after a comma. */
function members(fields: LogFields): string {
  const text = JSON.stringify(fields);
  return text === '{}' ? '' : `,${text.slice(1, -1)}`;
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
