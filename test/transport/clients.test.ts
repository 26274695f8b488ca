import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Clients, createClients } from '../../src/transport/clients.ts';
import { type ModelServer, startModelServer, text } from '../servers/model-server.ts';

let server: ModelServer;
let clients: Clients;

beforeEach(async () => {
  server = await startModelServer();
  clients = createClients(server.url, { keepAliveTimeout: 4000 });
});

afterEach(async () => {
  await clients.destroy();
  await server.close();
});

type LentClient = ReturnType<Clients['take']>;

async function ask(client: LentClient): Promise<void> {
  const { body } = await client.request({ path: '/', method: 'GET' });
  await body.text();
}

test('a connection is lent to one request at a time, and again when it is free', () => {
  const first = clients.take();
  const second = clients.take();
  expect(second).not.toBe(first);
  clients.release(first);
  expect(clients.take()).toBe(first);
});

test('the one that was used last is lent first', () => {
  const [first, second] = [clients.take(), clients.take()];
  clients.release(first);
  clients.release(second);
  expect(clients.take()).toBe(second);
  expect(clients.take()).toBe(first);
});

test('one whose connection has closed is forgotten', async () => {
  server.always(text('{}', { headers: { connection: 'close' } }));
  const client = clients.take();
  const disconnected = new Promise((resolve) => client.once('disconnect', resolve));
  await ask(client);
  clients.release(client);
  await disconnected;
  expect(client.destroyed).toBe(true);
  expect(clients.take()).not.toBe(client);
});

test('one whose connection closes while it is lent stays, and connects again', async () => {
  server.next(text('{}', { headers: { connection: 'close' } }));
  const client = clients.take();
  const disconnected = new Promise((resolve) => client.once('disconnect', resolve));
  await ask(client);
  await disconnected;
  await ask(client);
  expect(server.connections).toBe(2);
});

test('one that finds no server is forgotten', async () => {
  const client = clients.take();
  await server.close();
  const failed = new Promise((resolve) => client.once('connectionError', resolve));
  client.dispatch(
    { path: '/', method: 'GET' },
    {
      onRequestStart() {},
      onResponseStart() {},
      onResponseData() {},
      onResponseEnd() {},
      onResponseError: () => clients.release(client),
    },
  );
  await failed;
  expect(client.destroyed).toBe(true);
  expect(clients.take()).not.toBe(client);
});
