import { tensorflowServingProtocol } from '../../src/adapters/tensorflow-serving.ts';
import { unusedPort } from '../servers/listen.ts';
import { startTensorflowServingGrpc } from '../servers/tensorflow-serving-grpc.ts';
import { createAdapter } from './adapter-under-test.ts';
import { describeAdapterContract } from './contract.ts';

const absences = ['is not there', 'is unknown', 'is loading', 'failed to load'];

describeAdapterContract('tensorflow-serving (gRPC)', absences, async () => {
  const planned: ('hang' | 'nonsense')[] = [];
  const server = await startTensorflowServingGrpc({
    name: 'language',
    inputs: { text: [7, [-1]] },
    outputs: { scores: [1, [-1, 2]] },
    run({ text }) {
      const misdeed = planned.shift();
      if (misdeed === 'hang') return undefined;
      if (misdeed === 'nonsense') return {};
      const rows = text?.string_val ?? [];
      return {
        scores: {
          dtype: 1,
          tensor_shape: { dim: [{ size: rows.length }, { size: 2 }] },
          float_val: rows.flatMap((row) => (row.toString() === 'Bonjour' ? [0.25, 0.75] : [1, 0])),
        },
      };
    },
  });
  const options = { labels: ['en', 'fr'], input_name: 'text' };
  const create = (url = server.url, model = 'language') =>
    createAdapter(tensorflowServingProtocol, { url, model, options });
  const adapter = create();

  return {
    adapter,
    input: { text: 'Bonjour' },
    output: { prediction: 'fr', confidence: 0.75 },
    inferences: () => server.inferences,
    workForever() {
      planned.push('hang');
      const begun = server.called('Predict');
      return { begun, stopped: begun.then(({ cancelled }) => cancelled) };
    },
    answerNonsense: () => void planned.push('nonsense'),
    absent: [
      {
        what: 'is not there',
        createAdapter: async () => create(`grpc://127.0.0.1:${await unusedPort()}`),
        error: { code: 'upstream_error', retryable: true, mayHaveRun: false },
        state: 'unreachable',
      },
      {
        what: 'is unknown',
        createAdapter: async () => create(server.url, 'unknown'),
        error: { code: 'upstream_error', retryable: false, mayHaveRun: false },
        state: 'not_ready',
      },
      {
        what: 'is loading',
        async createAdapter() {
          server.setVersions({ 1: 20 });
          return create();
        },
        error: { code: 'model_not_ready', retryable: true, mayHaveRun: false },
        state: 'loading',
      },
      {
        what: 'failed to load',
        async createAdapter() {
          server.setVersions({ 1: 50 }, { code: 5, message: 'no such file' });
          return create();
        },
        error: { code: 'model_not_ready', retryable: false, mayHaveRun: false },
        state: 'not_ready',
      },
    ],
    async cleanUp() {
      await adapter.close();
      await server.close();
    },
  };
});
