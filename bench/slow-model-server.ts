import { once } from 'node:events';
import { createServer } from 'node:http';
import type { ModelServer } from './model-server.ts';

const prediction = { prediction: 'fr', confidence: 0.9871 };
const msPerCall = 10;
const maxRows = 64;

/**
 * A model server as a GPU is one: it takes the same time for one row and for 64, and does one call after the other.
 * It speaks as much of TensorFlow Serving's protocol as the gateway asks for.
 */
export async function startSlowModelServer(): Promise<ModelServer> {
  let free = Promise.resolve();
  const server = createServer(async (request, response) => {
    if (request.method === 'GET') {
      response.end(JSON.stringify({ model_version_status: [{ version: '1', state: 'AVAILABLE' }] }));
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { instances } = JSON.parse(Buffer.concat(chunks).toString());
    if (instances.length > maxRows) {
      response.writeHead(400).end(JSON.stringify({ error: `more than ${maxRows} rows` }));
      return;
    }
    const answer = JSON.stringify({ predictions: instances.map(() => prediction) });
    free = free
      .then(() => new Promise((resolve) => setTimeout(resolve, msPerCall)))
      .then(() => {
        response.end(answer);
      });
  });
  // The gateways rest in turns, and what a closed connection costs is not measured here.
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the model server has no port');
  return {
    port: address.port,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
