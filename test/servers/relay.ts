import { connect, createServer, type Socket } from 'node:net';
import { listen } from './listen.ts';

export interface Relay {
  readonly port: number;
  /** Whether what is behind can be heard: while not, connections are accepted and nothing ever comes back. */
  setAnswering(isAnswering: boolean): void;
  /** Breaks the connections that there are. */
  cut(): void;
  close(): Promise<void>;
}

/** Stands before a server on 127.0.0.1, and can make it fall silent. */
export async function startRelay(targetPort: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isAnswering = true;

  function keep(socket: Socket): Socket {
    sockets.add(socket);
    // Either end may break off: that is what the tests are about.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => sockets.delete(socket));
    return socket;
  }

  const server = createServer((near) => {
    keep(near).setNoDelay(true);
    const far = keep(connect(targetPort, '127.0.0.1'));
    far.setNoDelay(true);
    near.pipe(far);
    far.on('data', (chunk) => {
      if (isAnswering) near.write(chunk);
    });
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  const { port, close } = await listen(server);
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    setAnswering(value) {
      isAnswering = value;
    },
    cut,
    async close() {
      const closed = close();
      cut();
      await closed;
    },
  };
}
