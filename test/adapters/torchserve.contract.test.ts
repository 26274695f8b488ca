import { torchserveProtocol } from '../../src/adapters/torchserve.ts';
import { routes } from '../servers/generation.ts';
import { unusedPort } from '../servers/listen.ts';
import { type Behaviour, hang, json, startModelServer, text } from '../servers/model-server.ts';
import { createAdapter } from './adapter-under-test.ts';
import { describeAdapterContract } from './contract.ts';

const noWorker = json(
  {
    code: 503,
    type: 'ServiceUnavailableException',
    message:
      'Model "tiny" has no worker to serve inference request. Please use scale workers API to add workers.',
  },
  { status: 503 },
);

const forms: readonly { api: string; path: string; health: string; answer: Behaviour; healthy: Behaviour }[] =
  [
    {
      api: 'predictions',
      path: '/predictions/tiny',
      health: '/models/tiny',
      answer: json({ tabby: 0.75 }),
      healthy: json([{ modelName: 'tiny', workers: [{ id: '9000', status: 'READY' }] }]),
    },
    {
      api: 'kserve-v1',
      path: '/v1/models/tiny:predict',
      health: '/v1/models/tiny',
      answer: json({ predictions: [{ tabby: 0.75 }] }),
      healthy: json({ name: 'tiny', ready: true }),
    },
  ];

for (const { api, path, health, answer, healthy } of forms) {
  describeAdapterContract(`torchserve (${api})`, ['is not there', 'is loading'], async () => {
    const server = await startModelServer();
    server.always(routes({ [path]: answer, [health]: healthy }));
    const create = (url: string) =>
      createAdapter(torchserveProtocol, {
        url,
        model: 'tiny',
        options: { api, ...(api === 'predictions' && { management_url: url }) },
      });
    const adapter = create(server.url);

    return {
      adapter,
      input: { text: 'cat' },
      output: { tabby: 0.75 },
      inferences: () => server.requests.filter((request) => request.path === path).length,
      workForever() {
        server.next(hang());
        return { begun: server.requested(), stopped: server.aborted() };
      },
      answerNonsense: () => server.next(text('A cat, I think.')),
      absent: [
        {
          what: 'is not there',
          createAdapter: async () => create(`http://127.0.0.1:${await unusedPort()}`),
          error: { code: 'upstream_error', retryable: true, mayHaveRun: false },
          state: 'unreachable',
        },
        {
          what: 'is loading',
          async createAdapter() {
            const loading =
              api === 'predictions'
                ? json([{ modelName: 'tiny', workers: [{ id: '9000', status: 'LOADING' }] }])
                : json({ name: 'tiny', ready: false });
            server.always(routes({ [path]: noWorker, [health]: loading }));
            return create(server.url);
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
}
