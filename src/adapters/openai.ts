import type { Adapter, AdapterContext, Attempt, Protocol } from '../contracts/adapter.ts';
import type { ModelStatus } from '../contracts/readiness.ts';
import { checkBatching, checkDefinition } from './openai/check.ts';
import { createGenerator } from './openai/generator.ts';
import { readModelList } from './openai/models.ts';
import { optionsOf, optionsSchema } from './openai/options.ts';
import { createResidency } from './openai/residency.ts';
import { routesOf } from './openai/routes.ts';
import { createVectorCall } from './openai/vector-call.ts';
import { attemptHeaders, endpointHeaders } from './shared/endpoint.ts';
import { isSuccess, probing, readJsonAnswer, statusOfRefusal } from './shared/upstream-answer.ts';

/**
 * Servers that speak OpenAI's API: vLLM, llama.cpp, Ollama, SGLang, LM Studio, Text Embeddings Inference. The input
 * becomes a prompt, the output schema a grammar for the answer where the server takes one; see docs/protocols.md.
 */
export const openaiProtocol: Protocol = {
  name: 'openai',
  // The constant is readonly all the way down, and a JSON copy is not.
  optionsSchema: JSON.parse(JSON.stringify(optionsSchema)),
  check: checkDefinition,
  checkBatching,
  create: createOpenaiAdapter,
};

function createOpenaiAdapter(context: AdapterContext): Adapter {
  const { definition, transport } = context;
  const options = optionsOf(context.options);
  const routes = routesOf(definition.endpoint.url, options);
  const headers = endpointHeaders(definition, { 'content-type': 'application/json' });
  const parts = {
    ...context,
    options,
    url: routes.call,
    headersOf: (attempt: Attempt<unknown>) => attemptHeaders(headers, attempt),
  };
  const measures = options.api === 'embeddings' || options.api === 'rerank';
  const call = measures ? createVectorCall(parts) : { infer: createGenerator(parts) };

  const residency = definition.readiness.load
    ? createResidency({ definition, transport, headers, routes, embeds: options.api === 'embeddings' })
    : undefined;

  async function probe(signal: AbortSignal): Promise<ModelStatus> {
    const listed = await probeServer(signal);
    return residency ? residency.check(listed, signal) : listed;
  }

  async function probeServer(signal: AbortSignal): Promise<ModelStatus> {
    const ask = (url: URL) => transport.exchange({ method: 'GET', url, headers, signal });
    const response = await ask(routes.ready ?? routes.models);
    if (routes.ready === undefined) {
      if (isSuccess(response.status)) {
        return readModelList(readJsonAnswer(response), definition.endpoint.model, residency !== undefined);
      }
      // Text Embeddings Inference has one model and no list.
      if (response.status !== 404) return statusOfRefusal(response);
    }
    const health = routes.ready === undefined ? await ask(routes.health) : response;
    if (!isSuccess(health.status)) return statusOfRefusal(health);
    return { state: 'ready', reason: `The model server answered ${health.status}.` };
  }

  return {
    ...call,
    probe: (signal) => probing(signal, () => probe(signal)),
    ...(residency && { load: (signal) => residency.load(signal) }),
    async close() {
      // The connections are the transport's.
    },
  };
}
