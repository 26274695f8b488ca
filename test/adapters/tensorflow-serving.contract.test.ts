import { tensorflowServingProtocol } from '../../src/adapters/tensorflow-serving.ts';
import { unusedPort } from '../servers/listen.ts';
import { hang, html, json, startModelServer } from '../servers/model-server.ts';
import { startTensorflowServing } from '../servers/tensorflow-serving.ts';
import { createAdapter } from './adapter-under-test.ts';
import { describeAdapterContract } from './contract.ts';

const absences = ['is not there', 'is unknown', 'is loading', 'failed to load'];

describeAdapterContract('tensorflow-serving', absences, async () => {
  const model = {
    signatures: {
      serving_default: {
        method: 'predict',
        inputs: { text: 'DT_STRING' },
        run: (rows: readonly object[]) => ({ scores: rows.map(() => [0.25, 0.75]) }),
      },
    },
  } as const;
  const serving = await startTensorflowServing({ language: model, failed: model, slow: model });
  serving.setState('failed', '1', 'END', { code: 'NOT_FOUND', message: 'no such file' });
  serving.setState('slow', '1', 'LOADING');
  // In front of it, so that a test can make it hang and talk nonsense.
  const front = await startModelServer();
  front.always((response, { method, path, body }) => {
    const passed = fetch(serving.url + path, { method, ...(method === 'POST' && { body }) });
    void passed.then(async (answer) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    });
  });
  const options = { labels: ['en', 'fr'], input_name: 'text' };
  const create = (url: string, name: string) =>
    createAdapter(tensorflowServingProtocol, { url, model: name, options });
  const adapter = create(front.url, 'language');

  return {
    adapter,
    input: { text: 'Bonjour' },
    output: { prediction: 'fr', confidence: 0.75 },
    inferences: () => serving.inferences,
    workForever() {
      front.next(hang());
      return { begun: front.requested(), stopped: front.aborted() };
    },
    answerNonsense: () => front.next(json({ outcome: 'fr' }), html(200, 'Welcome')),
    absent: [
      {
        what: 'is not there',
        createAdapter: async () => create(`http://127.0.0.1:${await unusedPort()}`, 'language'),
        error: { code: 'upstream_error', retryable: true, mayHaveRun: false },
        state: 'unreachable',
      },
      {
        what: 'is unknown',
        createAdapter: async () => create(serving.url, 'unknown'),
        error: { code: 'upstream_error', retryable: false, mayHaveRun: false },
        state: 'not_ready',
      },
      {
        what: 'is loading',
        createAdapter: async () => create(serving.url, 'slow'),
        error: { code: 'model_not_ready', retryable: true, mayHaveRun: false },
        state: 'loading',
      },
      {
        what: 'failed to load',
        createAdapter: async () => create(serving.url, 'failed'),
        error: { code: 'model_not_ready', retryable: false, mayHaveRun: false },
        state: 'not_ready',
      },
    ],
    async cleanUp() {
      await adapter.close();
      await front.close();
      await serving.close();
    },
  };
});
