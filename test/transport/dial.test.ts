import { describe, expect, test } from 'vitest';
import { dial, type Resolve, systemResolve } from '../../src/transport/dial.ts';
import { startModelServer } from '../servers/model-server.ts';

const { signal } = new AbortController();
const neverAsked: Resolve = () => {
  throw new Error('an address needs no resolving');
};

describe('dialling', () => {
  test('a name goes through the resolver of the system', async () => {
    const server = await startModelServer();
    const socket = await dial('localhost', Number(new URL(server.url).port), systemResolve, signal);
    expect(socket.remotePort).toBe(Number(new URL(server.url).port));
    socket.destroy();
    await server.close();
  });

  test.each(['169.254.169.254', 'fe80::1', '::ffff:169.254.169.254', '100.100.100.200'])(
    '%s is refused, whoever asks for it',
    async (address) => {
      await expect(dial(address, 80, neverAsked, signal)).rejects.toMatchObject({
        code: 'upstream_error',
        message: 'Link-local and cloud metadata addresses are never dialled.',
      });
    },
  );
});
