import { openaiProtocol } from '../../src/adapters/openai.ts';
import type { JsonObject } from '../../src/contracts/json.ts';
import { chat, generateForever, modelList, ollamaChat, routes } from '../servers/generation.ts';
import { unusedPort } from '../servers/listen.ts';
import { type Behaviour, json, startModelServer, text } from '../servers/model-server.ts';
import { createAdapter } from './adapter-under-test.ts';
import { describeAdapterContract } from './contract.ts';

const output = { label: 'fr', sure: true };

/** Embeds every text alike. */
const embed: Behaviour = (response, request) => {
  const texts: readonly string[] = [JSON.parse(request.body).input].flat();
  const data = texts.map((_, index) => ({ object: 'embedding', index, embedding: [0.5, -1] }));
  json({ object: 'list', data })(response, request);
};

/** A form of the API, its route, and how the server answers there. */
interface Form {
  readonly name: string;
  readonly options: JsonObject;
  readonly path: string;
  readonly answer: Behaviour;
  readonly output: JsonObject;
}

const forms: readonly Form[] = [
  { name: 'chat', options: {}, path: '/v1/chat/completions', answer: chat(JSON.stringify(output)), output },
  {
    name: 'Ollama',
    options: { structured_output: 'format' },
    path: '/api/chat',
    answer: ollamaChat(JSON.stringify(output)),
    output,
  },
  {
    name: 'embeddings',
    options: { api: 'embeddings', input_name: 'text' },
    path: '/v1/embeddings',
    answer: embed,
    output: { embedding: [0.5, -1] },
  },
];

const loading = json(
  { error: { message: 'Loading model', type: 'unavailable_error', code: 503 } },
  { status: 503 },
);

for (const form of forms) {
  describeAdapterContract(`openai (${form.name})`, ['is not there', 'is loading'], async () => {
    const server = await startModelServer();
    const usual = (route: Behaviour) =>
      server.always(routes({ '/v1/models': modelList('tiny'), [form.path]: route }));
    usual(form.answer);
    const adapter = createAdapter(openaiProtocol, { url: server.url, model: 'tiny', options: form.options });

    return {
      adapter,
      input: { text: 'Bonjour' },
      output: form.output,
      inferences: () => server.requests.filter(({ path }) => path === form.path).length,
      workForever() {
        server.next(generateForever());
        return { begun: server.requested(), stopped: server.aborted() };
      },
      answerNonsense: () => server.next(text('It is French, I think.')),
      absent: [
        {
          what: 'is not there',
          createAdapter: async () =>
            createAdapter(openaiProtocol, {
              url: `http://127.0.0.1:${await unusedPort()}`,
              options: form.options,
            }),
          error: { code: 'upstream_error', retryable: true, mayHaveRun: false },
          state: 'unreachable',
        },
        {
          what: 'is loading',
          async createAdapter() {
            server.always(loading);
            return createAdapter(openaiProtocol, { url: server.url, options: form.options });
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
