import { PassThrough, type Readable } from 'node:stream';
import { startSignsOfLife } from './progress.ts';

/** A comment, which clients skip: it keeps the connection awake (HTML, Server-sent events). */
export const comment = ': still here\n\n';

/** A JSON-RPC message as a server-sent event. JSON text has no line breaks. */
export function messageEvent(json: string): string {
  return `event: message\ndata: ${json}\n\n`;
}

/**
 * Opens a stream that shows signs of life until the answer of a slow call comes.
 *
 * @param answer a JSON-RPC response, as JSON text; it does not reject
 * @param progressToken given where the client wants to be told of progress
 */
export function answerStream(answer: Promise<string>, progressToken: string | number | undefined): Readable {
  const stream = new PassThrough();
  const stop = startSignsOfLife((progress) => {
    if (progressToken === undefined) stream.write(comment);
    else stream.write(messageEvent(progressNotification({ progressToken, ...progress })));
  });
  stream.once('close', stop);
  void answer.then((json) => {
    stop();
    if (!stream.destroyed) stream.end(messageEvent(json));
  });
  return stream;
}

function progressNotification(params: object): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params });
}
