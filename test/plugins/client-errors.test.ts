import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionOf, startApp } from '../app.ts';
import { submit } from '../jobs/job-client.ts';
import { hang, json, startModelServer } from '../servers/model-server.ts';

async function setUp(env: Readonly<Record<string, string>> = {}) {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive' }));
  const running = await startApp([definitionOf(model.url)], env);
  return { model, ...running, port: Number(new URL(running.url).port) };
}

/** A connection, and all that has come over it. */
function open(port: number): { readonly socket: Socket; received(): string; closed(): Promise<string> } {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  // The gateway may reset a connection over which more comes than it reads.
  socket.on('error', () => socket.destroy());
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  onTestFinished(() => void socket.destroy());
  return { socket, received: () => text, closed: () => closed };
}

function parse(answer: string) {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const [statusLine, ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(lines.map((line) => line.toLowerCase().split(': ')));
  return { status: Number(statusLine?.split(' ')[1]), headers, body };
}

const statusLines = (text: string) => text.match(/HTTP\/1\.1 \d+/g) ?? [];
const call = (more: string) =>
  `POST /skills/local_model_predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}`;
const goodCall = call('Content-Length: 13\r\n\r\n{"text": "a"}');
const tooLarge = `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Large: ${'a'.repeat(20_000)}\r\n\r\n`;

describe('a request that ends in the parser', () => {
  it.each([
    ['that is no HTTP', 'hello\r\n\r\n', 400, /HTTP\/1\.1/],
    ['with a broken chunk', call('Transfer-Encoding: chunked\r\n\r\nZZ\r\n'), 400, /HTTP\/1\.1/],
    ['with too much in its headers', tooLarge, 431, /16384 bytes/],
    ['whose headers never end', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n', 408, /within 300 ms/],
    ['whose body never ends', call('Content-Length: 13\r\n\r\n{"te'), 408, /within 300 ms/],
  ])(
    '%s is answered once, with a problem, and its connection closed',
    async (_what, text, status, detail) => {
      const { port, post, log } = await setUp({ REQUEST_TIMEOUT_MS: '300' });
      const { socket, closed } = open(port);
      socket.write(text);
      const answer = await closed();
      const { headers, body, ...rest } = parse(answer);
      expect(statusLines(answer)).toHaveLength(1);
      expect(rest.status).toBe(status);
      expect(headers).toMatchObject({
        connection: 'close',
        'content-type': 'application/problem+json',
        'content-length': `${Buffer.byteLength(body)}`,
      });
      const problem = JSON.parse(body);
      expect(problem).toMatchObject({
        type: 'urn:skillgate:error:invalid_request',
        code: 'invalid_request',
        status,
        detail: expect.stringMatching(detail),
        request_id: headers['x-request-id'],
      });
      const logged = log.find(({ event }) => event === 'request_refused');
      expect(logged?.fields).toMatchObject({ request_id: problem.request_id, status });
      expect((await post({ text: 'hello' })).status).toBe(200);
    },
  );

  it('after others on its connection is told as well', async () => {
    const { port } = await setUp();
    const { socket, received, closed } = open(port);
    socket.write(goodCall);
    await expect.poll(received).toContain('positive');
    socket.write(tooLarge);
    expect(statusLines(await closed())).toEqual(['HTTP/1.1 200', 'HTTP/1.1 431']);
  });

  it('gets no second answer when it has one', async () => {
    const { port } = await setUp();
    const { socket, received, closed } = open(port);
    socket.write(`POST /nowhere HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`);
    await expect.poll(received).toContain('not_found');
    socket.write('ZZ\r\n');
    expect(statusLines(await closed())).toEqual(['HTTP/1.1 404']);
  });
});

it('refuses a request without a Host header as any other error', async () => {
  const { port } = await setUp();
  const { socket, closed } = open(port);
  socket.write('GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n');
  const { status, headers, body } = parse(await closed());
  expect([status, headers['content-type']]).toEqual([
    400,
    expect.stringMatching(/^application\/problem\+json/),
  ]);
  expect(JSON.parse(body)).toMatchObject({
    code: 'invalid_request',
    detail: expect.stringContaining('Host'),
  });
});

it('puts nothing into an answer that is under way', async () => {
  const { model, port, post } = await setUp();
  model.always(hang());
  const { id } = await submit({ post }, { text: 'long' });
  const { socket, received, closed } = open(port);
  socket.write(`GET /jobs/${id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await expect.poll(received).toContain('event: queued');
  socket.write('hello\r\n\r\n');
  expect(statusLines(await closed())).toEqual(['HTTP/1.1 200']);
});
