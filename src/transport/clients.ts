import { Client } from 'undici';

/**
 * The connections to one origin, each lent to one request at a time. undici's Pool counts a connection as busy until
 * the event loop has turned once more, and opens a second one for a request that follows at once; a server that
 * serves one connection after the other would then keep that request waiting.
 */
export interface Clients {
  /** Lends a connection, the one that was used last, so that those that a burst left behind close by themselves. */
  take(): Client;
  /** Gives it back when undici has done with the request. */
  release(client: Client): void;
  /** Closes every connection; requests under way fail. */
  destroy(): Promise<void>;
}

/** @param options of each undici client, its connector among them */
export function createClients(origin: string, options: Client.Options): Clients {
  const all = new Set<Client>();
  const free: Client[] = [];

  function add(): Client {
    const client = new Client(origin, options);
    // A client is worth keeping for its connection: without this, a burst or a storm of aborts would leave them behind.
    const forget = (): void => {
      const place = free.indexOf(client);
      if (place === -1) return;
      free.splice(place, 1);
      all.delete(client);
      void client.destroy();
    };
    client.on('disconnect', forget).on('connectionError', forget);
    all.add(client);
    return client;
  }

  return {
    take: () => free.pop() ?? add(),
    release: (client) => void free.push(client),
    async destroy() {
      await Promise.all([...all].map((client) => client.destroy()));
    },
  };
}
