import { onTestFinished } from 'vitest';
import { clientFile } from './clients.ts';

/** The client of SDK 1, whose newest revision is 2025-11-25, as far as it is used here. */
export interface FormerClient {
  connect(transport: object): Promise<void>;
  listTools(): Promise<object>;
  callTool(call: { name: string; arguments: object }): Promise<object>;
  close(): Promise<void>;
  readonly experimental: {
    readonly tasks: {
      callToolStream(call: object, schema: undefined, options: object): AsyncIterable<StreamedMessage>;
    };
  };
}

/** What it tells of a call that is a task. */
export interface StreamedMessage {
  readonly type: 'taskCreated' | 'taskStatus' | 'result' | 'error';
  readonly task?: { readonly status: string };
  readonly result?: object;
}

/**
 * Connects such a client, and closes it after the test. SDK 1 is no dependency of this package: what was installed is
 * loaded from where it lies.
 */
export async function connectFormer(url: URL): Promise<FormerClient> {
  const folder = clientFile('@modelcontextprotocol/sdk/dist/esm/client');
  const { Client }: { Client: new (info: object) => FormerClient } = await import(`${folder}/index.js`);
  const {
    StreamableHTTPClientTransport: Transport,
  }: { StreamableHTTPClientTransport: new (url: URL) => object } = await import(
    `${folder}/streamableHttp.js`
  );
  const client = new Client({ name: 'test', version: '1' });
  onTestFinished(() => client.close());
  await client.connect(new Transport(url));
  return client;
}
