import { openInferenceProtocol } from '../../src/adapters/open-inference.ts';
import { unusedPort } from '../servers/listen.ts';
import { startOpenInferenceGrpcServer } from '../servers/open-inference-grpc.ts';
import { createAdapter } from './adapter-under-test.ts';
import { describeAdapterContract } from './contract.ts';

for (const kind of ['triton', 'mlserver'] as const) {
  const absences = ['is not there', 'is loading', 'was unloaded'];
  describeAdapterContract(`open-inference (gRPC, ${kind})`, absences, async () => {
    const server = await startOpenInferenceGrpcServer({ kind });
    const create = (url = server.url) =>
      createAdapter(openInferenceProtocol, { url, model: 'double', options: { inputs: {}, binary: 'auto' } });
    const adapter = create();
    const notReady = { code: 'model_not_ready', retryable: true, mayHaveRun: false } as const;

    return {
      adapter,
      input: { x: [1, 2.5, -3] },
      output: { y: [2, 5, -6] },
      inferences: () => server.inferences,
      workForever() {
        server.nextInference(undefined);
        const begun = server.called('ModelInfer');
        return { begun, stopped: begun.then(({ cancelled }) => cancelled) };
      },
      answerNonsense: () =>
        server.nextInference(() => ({ outputs: [{ name: 'y', datatype: 'FP32', shape: [3] }] })),
      absent: [
        {
          what: 'is not there',
          createAdapter: async () => create(`grpc://127.0.0.1:${await unusedPort()}`),
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
            server.setState('UNAVAILABLE');
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
