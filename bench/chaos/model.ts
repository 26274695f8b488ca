import { once } from 'node:events';
import { createServer } from 'node:http';

/** A model server that fails a fifth of the calls, and never gives the same answer twice. */
export interface UnreliableModel {
  readonly port: number;
  readonly calls: number;
  /** What was answered to an input, in the order of the calls. */
  answersTo(text: string): readonly string[];
  close(): void;
}

const answerMs = 20;

/** Starts the model server on a free port of 127.0.0.1. */
export async function startUnreliableModel(): Promise<UnreliableModel> {
  const answers = new Map<string, string[]>();
  let calls = 0;

  const server = createServer(async (request, response) => {
    let body = '';
    for await (const piece of request) body += piece;
    calls += 1;
    const call = calls;
    await new Promise((resolve) => setTimeout(resolve, answerMs));
    if (call % 5 === 0) {
      response.writeHead(503, { 'retry-after': '0' }).end();
      return;
    }
    const { text }: { text: string } = JSON.parse(body);
    const prediction = `answer ${call}`;
    answers.set(text, [...(answers.get(text) ?? []), prediction]);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ prediction }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    get calls() {
      return calls;
    },
    answersTo: (text) => answers.get(text) ?? [],
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
