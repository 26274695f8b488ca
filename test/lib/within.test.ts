import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { within } from '../../src/lib/within.ts';
import { listen } from '../servers/listen.ts';

it('gives what comes in time', async () => {
  expect(await within(Promise.resolve(1), 10)).toBe(1);
  await expect(within(Promise.reject(new Error('refused')), 10)).rejects.toThrow('refused');
});

it('gives up what does not', async () => {
  await expect(within(new Promise(() => undefined), 5)).rejects.toThrow('no answer within 5 ms');
});

it('takes what arrived while this process was busy, however long that was', async () => {
  const server = createServer((socket) => socket.end('answer'));
  const { port, close } = await listen(server);
  onTestFinished(close);
  const socket = connect(port, '127.0.0.1');
  const answer = within(once(socket, 'data'), 20);
  await once(socket, 'connect');
  // Long enough for the answer to arrive and for the timer to be due.
  const busyUntil = performance.now() + 60;
  while (performance.now() < busyUntil);
  expect(String(await answer)).toBe('answer');
});
