import { PassThrough, type Readable } from 'node:stream';
import { comment, messageEvent } from './event-stream.ts';

/** The streams on which clients of revisions before 2026-07-28 wait for news (`GET /mcp`). */
export interface ChangeStreams {
  /** A new stream; undefined where there are too many. */
  open(): Readable | undefined;
  /** Tells all of them that the tools have changed. */
  announce(): void;
  close(): void;
}

const maxStreams = 1024;
/** Between two signs of life, in milliseconds. */
const everyMs = 15_000;

const changed = messageEvent('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}');

/** Makes the set of streams, empty at first. */
export function createChangeStreams(): ChangeStreams {
  const streams = new Set<PassThrough>();
  const tell = (event: string) => {
    for (const stream of streams) stream.write(event);
  };
  let timer: NodeJS.Timeout | undefined;

  return {
    open() {
      if (streams.size >= maxStreams) return undefined;
      const stream = new PassThrough();
      streams.add(stream);
      timer ??= setInterval(tell, everyMs, comment);
      stream.once('close', () => {
        streams.delete(stream);
        if (streams.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      });
      // The headers go out with the first bytes.
      stream.write(comment);
      return stream;
    },
    announce: () => tell(changed),
    close() {
      for (const stream of streams) stream.end();
    },
  };
}
