import { httpProtocol } from '../../src/adapters/http.ts';
import { unusedPort } from '../servers/listen.ts';
import { hang, json, startModelServer, text } from '../servers/model-server.ts';
import { createAdapter } from './adapter-under-test.ts';
import { describeAdapterContract } from './contract.ts';

const loading = json(
  { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } },
  { status: 503 },
);

describeAdapterContract('http', ['is not there', 'is loading'], async () => {
  const server = await startModelServer();
  const output = { prediction: 'fr', confidence: 0.98 };
  server.always(json(output));
  const adapter = createAdapter(httpProtocol, {
    url: `${server.url}/predict`,
    options: { ready_url: '/health' },
  });

  return {
    adapter,
    input: { text: 'Bonjour' },
    output,
    inferences: () => server.requests.filter(({ path }) => path === '/predict').length,
    workForever() {
      server.next(hang());
      return { begun: server.requested(), stopped: server.aborted() };
    },
    answerNonsense: () => server.next(text('It is French, I think.')),
    absent: [
      {
        what: 'is not there',
        createAdapter: async () =>
          createAdapter(httpProtocol, { url: `http://127.0.0.1:${await unusedPort()}` }),
        error: { code: 'upstream_error', retryable: true, mayHaveRun: false },
        state: 'unreachable',
      },
      {
        what: 'is loading',
        async createAdapter() {
          server.always(loading);
          return createAdapter(httpProtocol, { url: server.url, options: { ready_url: '/health' } });
        },
        error: { code: 'model_not_ready', retryable: true, mayHaveRun: false },
        state: 'loading',
      },
    ],
    async cleanUp() {
      await adapter.close();
      await server.close();
    },
  };
});
