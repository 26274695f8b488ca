import { afterEach, beforeEach, expect, test } from 'vitest';
import type { CredentialSource } from '../../src/contracts/transport.ts';
import { createTransports, type Transports } from '../../src/transport/transports.ts';
import { json, type ModelServer, startModelServer } from '../servers/model-server.ts';

let server: ModelServer;
let transports: Transports;

beforeEach(async () => {
  server = await startModelServer();
  transports = createTransports();
});

afterEach(async () => {
  await transports.close();
  await server.close();
});

const refused = json({ error: 'token expired' }, { status: 401 });

/** Presents token 1, and after a renewal token 2; remembers which ones were refused. */
function createSource(options: { renews: boolean }): CredentialSource & { refused: string[] } {
  let number = 1;
  const turnedDown: string[] = [];
  return {
    refused: turnedDown,
    authorization: async () => `Bearer token-${number}`,
    async renew(authorization) {
      turnedDown.push(authorization);
      if (options.renews) number += 1;
      return options.renews;
    },
  };
}

function exchange(
  credentials?: CredentialSource,
  signal = new AbortController().signal,
  onSent?: () => void,
) {
  const timeouts = { connect_ms: 3000, tls_ms: 3000 };
  return transports.for({ timeouts, credentials }).exchange({
    method: 'POST',
    url: new URL(server.url),
    headers: {},
    body: '{"text":"a"}',
    signal,
    ...(onSent && { onSent }),
  });
}

function presented(): (string | undefined)[] {
  return server.requests.map(({ headers }) => headers.authorization);
}

test('the authorization is presented', async () => {
  await exchange(createSource({ renews: true }));
  await exchange({ authorization: () => 'Basic dTpw', renew: async () => false });
  await exchange({ authorization: () => undefined, renew: async () => true });
  await exchange();
  expect(presented()).toEqual(['Bearer token-1', 'Basic dTpw', undefined, undefined]);
});

test('after a 401 fresh credentials are tried once, with the same body', async () => {
  server.next(refused, json({ ok: true }));
  const source = createSource({ renews: true });
  let sent = 0;
  const response = await exchange(source, undefined, () => {
    sent += 1;
  });
  expect(response.status).toBe(200);
  expect(source.refused).toEqual(['Bearer token-1']);
  expect(presented()).toEqual(['Bearer token-1', 'Bearer token-2']);
  expect(server.requests.map(({ body }) => body)).toEqual(['{"text":"a"}', '{"text":"a"}']);
  expect(sent).toBe(2);
});

test('a second 401 is given back, and no third request is sent', async () => {
  server.always(refused);
  const response = await exchange(createSource({ renews: true }));
  expect(response.status).toBe(401);
  expect(server.requests).toHaveLength(2);
});

test('a 401 is given back where the source has nothing fresh', async () => {
  server.always(refused);
  const response = await exchange(createSource({ renews: false }));
  expect(response.status).toBe(401);
  expect(server.requests).toHaveLength(1);
});

test('a 403 is no reason for fresh credentials', async () => {
  server.always(json({ error: 'not allowed' }, { status: 403 }));
  const source = createSource({ renews: true });
  const response = await exchange(source);
  expect(response.status).toBe(403);
  expect(source.refused).toEqual([]);
});

test('leaving ends the wait for credentials', async () => {
  const controller = new AbortController();
  const reason = new Error('left');
  const waiting = exchange(
    { authorization: () => new Promise(() => undefined), renew: async () => false },
    controller.signal,
  );
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  expect(server.requests).toHaveLength(0);
});

test('credentials that cannot be made are the error of the call', async () => {
  const failing = new Error('no token');
  await expect(
    exchange({ authorization: () => Promise.reject(failing), renew: async () => false }),
  ).rejects.toBe(failing);
});
