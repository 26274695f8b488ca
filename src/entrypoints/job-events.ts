import { PassThrough } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { JobEvent } from '../contracts/jobs.ts';

/** Often enough for proxies that close what is silent for half a minute, in milliseconds. */
const heartbeatMs = 15_000;

/** How long a client should wait before it comes back for the rest, in milliseconds. */
const reconnectMs = 1000;

/**
 * Sends texts as server-sent events until there are no more, with comments in between so that nobody takes the
 * connection for dead.
 *
 * @param signal aborts when the client has left
 */
export function sendEvents(
  reply: FastifyReply,
  events: AsyncIterable<JobEvent>,
  toText: (event: JobEvent) => string,
  signal: AbortSignal,
): FastifyReply {
  const stream = new PassThrough();
  const heartbeat = setInterval(() => stream.write(':\n\n'), heartbeatMs);
  stream.write(`retry: ${reconnectMs}\n\n`);
  void write();
  return (
    reply
      .header('content-type', 'text/event-stream')
      .header('cache-control', 'no-store')
      // nginx would hold the events back otherwise.
      .header('x-accel-buffering', 'no')
      .send(stream)
  );

  async function write(): Promise<void> {
    try {
      for await (const event of events) stream.write(toText(event));
      stream.end();
    } catch (error) {
      // The headers are out: a broken stream is all that can be said, and the client comes back for the rest.
      stream.destroy(signal.aborted || !(error instanceof Error) ? undefined : error);
    } finally {
      clearInterval(heartbeat);
    }
  }
}
