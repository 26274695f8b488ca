import { openInferenceProtocol } from '../../src/adapters/open-inference.ts';
import { unusedPort } from '../servers/listen.ts';
import { text } from '../servers/model-server.ts';
import { type StandInModel, startOpenInferenceServer } from '../servers/open-inference.ts';
import { createAdapter } from './adapter-under-test.ts';
import { describeAdapterContract } from './contract.ts';

const model: StandInModel = {
  name: 'double',
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
  run: ([x]) => [
    {
      name: 'y',
      datatype: 'FP32',
      shape: x?.shape ?? [],
      data: (x?.data ?? []).map((value) => Number(value) * 2),
    },
  ],
};

for (const [name, kind, binary] of [
  ['Triton, JSON', 'triton', 'never'],
  ['Triton, bytes', 'triton', 'always'],
  ['MLServer', 'mlserver', 'auto'],
] as const) {
  const absences = ['is not there', 'is loading', 'was unloaded'];
  describeAdapterContract(`open-inference (${name})`, absences, async () => {
    const server = await startOpenInferenceServer(model, { kind });
    const create = (url = server.url) =>
      createAdapter(openInferenceProtocol, { url, model: 'double', options: { inputs: {}, binary } });
    const adapter = create();
    const notReady = { code: 'model_not_ready', retryable: true, mayHaveRun: false } as const;

    return {
      adapter,
      input: { x: [1, 2.5, -3] },
      output: { y: [2, 5, -6] },
      inferences: () => server.inferences,
      workForever: () => ({ begun: server.workForever(), stopped: server.aborted() }),
      answerNonsense: () => server.nextInference(text('It doubled, I think.')),
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
            server.setState('LOADING');
            return create();
          },
          error: notReady,
          state: 'loading',
        },
        {
          what: 'was unloaded',
          async createAdapter() {
            server.setState('UNAVAILABLE', 'unloaded');
            return create();
          },
          error: notReady,
          state: 'not_ready',
        },
      ],
      async cleanUp() {
        await adapter.close();
        await server.close();
      },
    };
  });
}
