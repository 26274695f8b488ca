import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Transport } from '../../src/contracts/transport.ts';
import { createTransports, type Transports } from '../../src/transport/transports.ts';
import {
  json,
  type ModelServer,
  resetInTheMiddle,
  startModelServer,
  trickle,
} from '../servers/model-server.ts';

let server: ModelServer;
let transports: Transports;
let transport: Transport;

beforeEach(async () => {
  server = await startModelServer();
  transports = createTransports({ maxResponseBytes: 1000 });
  transport = transports.for({ timeouts: { connect_ms: 3000, tls_ms: 3000 } });
});

afterEach(async () => {
  await transports.close();
  await server.close();
});

function request(onData: (piece: Buffer, contentType: unknown) => void) {
  return {
    method: 'POST',
    url: new URL(server.url),
    headers: {},
    signal: new AbortController().signal,
    onData: (piece: Buffer, headers: Readonly<Record<string, unknown>>) =>
      onData(piece, headers['content-type']),
  };
}

test('the pieces of an answer are given as they come, with the headers, and not once more at the end', async () => {
  server.next(trickle('[1]', 5));
  const pieces: [string, unknown][] = [];
  const response = await transport.exchange(request((piece, type) => pieces.push([piece.toString(), type])));
  expect(pieces.map(([piece]) => piece).join('')).toBe('[1]');
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces[0]?.[1]).toBe('application/json');
  expect([response.status, response.body.length]).toEqual([200, 0]);
});

test('the body of a refusal is not given in pieces', async () => {
  server.next(json({ error: 'no' }, { status: 503 }));
  const response = await transport.exchange(request(() => expect.unreachable()));
  expect([response.status, response.body.toString()]).toEqual([503, '{"error":"no"}']);
});

test('what the taker of pieces throws ends the exchange, and closes the connection', async () => {
  server.next(trickle('abcdef', 5));
  const aborted = server.aborted();
  const reason = new Error('enough');
  await expect(
    transport.exchange(
      request(() => {
        throw reason;
      }),
    ),
  ).rejects.toBe(reason);
  await aborted;
});

test('a stream that breaks off is an error after its pieces, and one without end is too large', async () => {
  server.next(resetInTheMiddle('abc'));
  let text = '';
  await expect(
    transport.exchange(
      request((piece) => {
        text += piece;
      }),
    ),
  ).rejects.toMatchObject({ code: 'upstream_error', message: expect.stringContaining('in the middle') });
  expect(text).toBe('abc');
  server.next((response) => response.writeHead(200).end('x'.repeat(2000)));
  await expect(transport.exchange(request(() => undefined))).rejects.toThrow(/larger than 1000 bytes/);
});
