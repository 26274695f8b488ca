import fc from 'fast-check';
import pino from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { createProcessLogger } from '../../src/cli/create-logger.ts';
import type { Logger } from '../../src/contracts/logger.ts';

/** A stream that keeps what is written to it until it is taken. */
function keepingStream() {
  let text = '';
  return {
    write(chunk: string) {
      text += chunk;
      return true;
    },
    take() {
      const taken = text;
      text = '';
      return taken;
    },
  };
}

/** What is written when a logger at this level is told something. */
function written(level: string, tell: (logger: Logger) => void): string {
  const stream = keepingStream();
  const { logger, flush } = createProcessLogger(level, stream);
  tell(logger);
  flush();
  return stream.take();
}

describe('the log of the process', () => {
  it('has at info, byte for byte, the lines that pino would write', () => {
    vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 3, 4, 5, 678) });
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.constantFrom(null, undefined),
      fc.json().map((text) => JSON.parse(text)),
    );
    const key = fc.string().filter((name) => name !== 'err');
    const [theirs, ours] = [keepingStream(), keepingStream()];
    const reference = pino(
      {
        base: null,
        messageKey: 'event',
        timestamp: () => ',"time":"2026-01-02T03:04:05.678Z"',
        formatters: { level: (label) => ({ level: label }) },
      },
      theirs,
    );
    const { logger, flush } = createProcessLogger('info', ours);
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.string({ unit: 'binary' }), (fields, event) => {
        reference.info(fields, event);
        logger.info(fields, event);
        flush();
        expect(ours.take()).toBe(theirs.take());
      }),
    );
    vi.useRealTimers();
  });

  it('tells errors with their causes, at info as at any level', () => {
    const err = new Error('outer', { cause: new Error('inner') });
    for (const level of ['info', 'error'] as const) {
      const line = JSON.parse(written('info', (logger) => logger[level]({ err }, 'failed')));
      expect(line).toMatchObject({
        level,
        event: 'failed',
        err: { message: 'outer', cause: { message: 'inner' } },
      });
    }
  });

  it('leaves out what is below its level', () => {
    const tell = (logger: Logger) => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({}, level);
    };
    const events = (level: string) =>
      written(level, tell)
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line).event);
    expect(events('debug')).toEqual(['debug', 'info', 'warn', 'error']);
    expect(events('info')).toEqual(['info', 'warn', 'error']);
    expect(events('warn')).toEqual(['warn', 'error']);
    expect(events('silent')).toEqual([]);
  });
});
