import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test, vi } from 'vitest';
import { createRemoteKeys, KeysUnavailable } from '../../src/credentials/remote-keys.ts';

test.each([
  ['never answers', () => undefined],
  ['sends half an answer', (send: (text: string) => void) => send('{"keys":[')],
])('a provider that %s is given up on in time', { timeout: 1000 }, async (_how, answer) => {
  const server = createServer((_request, response) => answer((text) => response.write(text)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const warn = vi.fn();
  const keys = createRemoteKeys(new URL(`http://127.0.0.1:${port}/`), warn, 30);
  try {
    await expect(async () => keys({ alg: 'ES256' }, { payload: '', signature: '' })).rejects.toThrow(
      KeysUnavailable,
    );
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      'jwks_fetch_failed',
      expect.objectContaining({ name: 'TimeoutError' }),
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
