import { afterEach, beforeEach } from 'vitest';
import { openaiProtocol } from '../../../src/adapters/openai.ts';
import type { Adapter } from '../../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../../src/contracts/json.ts';
import { createAttempt } from '../../attempt.ts';
import { type ModelServer, startModelServer } from '../../servers/model-server.ts';
import { type AdapterOptions, createAdapter, type EndpointOverrides } from '../adapter-under-test.ts';

export const inputSchema = {
  type: 'object',
  properties: { text: { type: 'string' }, to: { type: 'string' } },
};
export const input = { text: 'Bonjour' };

const outputSchema = {
  type: 'object',
  properties: { label: { type: 'string', enum: ['fr', 'en'] }, mail: { type: 'string', format: 'email' } },
  required: ['label'],
};

/** A server for each test, and adapters for it, which all end with the test. */
export interface OpenaiSetup {
  readonly server: ModelServer;
  create(options?: JsonObject, more?: AdapterOptions & { readonly endpoint?: EndpointOverrides }): Adapter;
  /** Makes a call with the usual input, or another. */
  infer(adapter: Adapter, given?: JsonValue): Promise<JsonValue>;
  /** The body of the request that came as number `index`. */
  sent(index?: number): JsonObject;
}

/** Sets a server up for each test of the file that calls this. */
export function useOpenaiServer(): OpenaiSetup {
  let server: ModelServer;
  let adapters: Adapter[];

  beforeEach(async () => {
    server = await startModelServer();
    adapters = [];
  });

  afterEach(async () => {
    await Promise.all(adapters.map((adapter) => adapter.close()));
    await server.close();
  });

  return {
    get server() {
      return server;
    },
    create(options = {}, { endpoint, ...rest } = {}) {
      const adapter = createAdapter(
        openaiProtocol,
        { url: server.url, model: 'tiny', options, ...endpoint },
        { inputSchema, outputSchema, ...rest },
      );
      adapters.push(adapter);
      return adapter;
    },
    infer: (adapter, given = input) => adapter.infer(createAttempt(given)),
    sent: (index = 0) => JSON.parse(server.requests[index]?.body ?? 'null'),
  };
}
