import type { AdapterContext } from '../../contracts/adapter.ts';
import type { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { attemptHeaders, endpointHeaders } from '../shared/endpoint.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';
import { serverRoutes } from '../shared/server-routes.ts';
import { isSuccess, notLoaded, readJsonAnswer, statusOfRefusal } from '../shared/upstream-answer.ts';
import { inferRefusal, loadRefusal, statusInIndex } from './not-ready.ts';
import { type OpenInferenceOptions, parametersOf } from './options.ts';
import { readResponse, saysBinary, writeRequest } from './rest-body.ts';
import type { InferenceServer, TensorDescription } from './server.ts';

/** Makes the way to a model over HTTP. */
export function createRestServer(
  { definition, transport }: AdapterContext,
  options: OpenInferenceOptions,
): InferenceServer {
  const { model = '', model_version: version } = definition.endpoint;
  const at = serverRoutes(definition.endpoint.url, '/v2');
  const modelPath =
    `/v2/models/${encodeURIComponent(model)}` +
    (version === undefined ? '' : `/versions/${encodeURIComponent(version)}`);
  const urls = {
    server: at('/v2'),
    serverReady: at('/v2/health/ready'),
    index: at('/v2/repository/index'),
    metadata: at(modelPath),
    ready: at(`${modelPath}/ready`),
    infer: at(`${modelPath}/infer`),
    load: at(`/v2/repository/models/${encodeURIComponent(model)}/load`),
  };
  const headers = endpointHeaders(definition, {});
  const parameters = parametersOf(options);

  const get = (url: URL, signal: AbortSignal) => transport.exchange({ method: 'GET', url, headers, signal });

  async function takesBinary(signal: AbortSignal): Promise<boolean> {
    if (options.binary !== 'auto') return options.binary === 'always';
    const response = await get(urls.server, signal);
    return isSuccess(response.status) && saysBinary(readJsonAnswer(response));
  }

  /** The index of Triton's model repository extension, which MLServer has too. */
  async function lookUp(signal: AbortSignal): Promise<ModelStatus | undefined> {
    const jsonHeaders = { ...headers, 'content-type': 'application/json' };
    const response = await transport.exchange({
      method: 'POST',
      url: urls.index,
      headers: jsonHeaders,
      body: '{}',
      signal,
    });
    return isSuccess(response.status) ? statusInIndex(readJsonAnswer(response), model, version) : undefined;
  }

  /** A 404 means a model that the server does not know, and one that it has not loaded. */
  async function explainNotFound(refused: UpstreamResponse, signal: AbortSignal): Promise<SkillgateError> {
    const refusal = inferRefusal(refused);
    if (refusal.code === 'model_not_ready') return refusal;
    const status = await lookUp(signal);
    if (status === undefined) return refusal;
    return notLoaded(`${refusal.message} ${status.reason}`, { upstreamStatus: 404 });
  }

  return {
    async describe(signal) {
      const [response, binary] = await Promise.all([get(urls.metadata, signal), takesBinary(signal)]);
      if (response.status === 404) throw await explainNotFound(response, signal);
      if (!isSuccess(response.status)) throw inferRefusal(response);
      const { inputs, outputs } = membersOf(readJsonAnswer(response));
      return { inputs: readDescriptions(inputs), outputs: readDescriptions(outputs), takesBinary: binary };
    },

    async infer(request, attempt) {
      const { headers: bodyHeaders, body } = writeRequest(request, attempt.requestId, parameters);
      const response = await transport.exchange({
        method: 'POST',
        url: urls.infer,
        headers: attemptHeaders({ ...headers, ...bodyHeaders }, attempt),
        body,
        signal: attempt.signal,
        onSent: () => attempt.sent(),
        onProgress: () => attempt.progressed(),
      });
      if (response.status === 404) throw await explainNotFound(response, attempt.signal);
      if (!isSuccess(response.status)) throw inferRefusal(response);
      return readResponse(response);
    },

    async ready(signal) {
      const response = await get(urls.ready, signal);
      if (isSuccess(response.status)) return { state: 'ready', reason: `The model ${model} is ready.` };
      const known = await lookUp(signal);
      if (known) return known.state === 'ready' ? statusOfRefusal(response) : known;
      // MLServer and Triton say 400 of a model on its way, and of the server itself while it starts.
      const server = await get(urls.serverReady, signal);
      const status = statusOfRefusal(response);
      return isSuccess(server.status) ? status : { ...status, state: 'loading' };
    },

    async load(signal) {
      const response = await transport.exchange({
        method: 'POST',
        url: urls.load,
        headers: { ...headers, 'content-type': 'application/json' },
        body: '{}',
        signal,
      });
      if (!isSuccess(response.status)) throw loadRefusal(response);
    },
  };
}

function readDescriptions(list: JsonValue | undefined): TensorDescription[] {
  return itemsOf(list).flatMap((entry) => {
    const { name, datatype, shape } = membersOf(entry);
    if (typeof name !== 'string' || typeof datatype !== 'string') return [];
    // Sizes are numbers, but for those of int64 that a parser made strings.
    return [{ name, datatype, shape: itemsOf(shape).map(Number) }];
  });
}
