import type { Adapter, AdapterContext, Attempt, EndpointFault, Protocol } from '../contracts/adapter.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { ModelStatus } from '../contracts/readiness.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import type { UpstreamResponse } from '../contracts/transport.ts';
import { attemptHeaders, endpointFaults, endpointHeaders } from './shared/endpoint.ts';
import { parseModelJson } from './shared/model-json.ts';
import { serverRoutes } from './shared/server-routes.ts';
import { isSuccess, probing, readJsonAnswer, statusOfRefusal } from './shared/upstream-answer.ts';
import { json, readAnswer, requestBody } from './torchserve/body.ts';
import { optionsOf, optionsSchema } from './torchserve/options.ts';
import { torchserveRefusal } from './torchserve/refusal.ts';
import { readKserveModel, readPing, readWorkers } from './torchserve/status.ts';

/** TorchServe's own API (port 8080), or KServe V1; `endpoint.url` is the server, `endpoint.model` the model. */
export const torchserveProtocol: Protocol = {
  name: 'torchserve',
  // The constant is readonly all the way down, and a JSON copy is not.
  optionsSchema: JSON.parse(JSON.stringify(optionsSchema)),
  check: checkDefinition,
  create: createTorchserveAdapter,
};

function checkDefinition(definition: SkillDefinition): readonly EndpointFault[] {
  const { endpoint } = definition;
  const options = optionsOf(endpoint.options);
  const faults = [...endpointFaults(definition)];
  const add = (pointer: string, reason: string): void => {
    faults.push({ pointer: `/endpoint${pointer}`, reason });
  };
  if (endpoint.model === undefined) add('', 'has to name the model on the server, in `model`');
  if (endpoint.model_version !== undefined && options.api === 'kserve-v1') {
    add('/model_version', 'is not known to KServe V1');
  }
  if (options.content !== undefined && options.content !== 'json') {
    if (options.api === 'kserve-v1') add('/options/content', 'has to be json with kserve-v1');
    if (options.input_name === undefined && endpoint.request === undefined) {
      add('/options/content', 'needs input_name: the property that holds it');
    }
  }
  if (options.management_url !== undefined && faults.length === 0) {
    const url = URL.parse(options.management_url);
    // The probe presents the skill's credentials, which are for this host.
    const fits = /^https?:$/.test(url?.protocol ?? '') && url?.hostname === new URL(endpoint.url).hostname;
    if (!fits) add('/options/management_url', 'has to be a URL on the host of endpoint.url');
  }
  return faults;
}

function createTorchserveAdapter(context: AdapterContext): Adapter {
  const { definition, mapping, transport } = context;
  const options = optionsOf(context.options);
  const { model = '', model_version: version } = definition.endpoint;
  const isKserve = options.api === 'kserve-v1';
  const at = serverRoutes(definition.endpoint.url);
  const path = [model, ...(version === undefined ? [] : [version])].map(encodeURIComponent).join('/');
  const inferUrl = at(isKserve ? `/v1/models/${path}:predict` : `/predictions/${path}`);
  const workersUrl =
    options.management_url === undefined ? undefined : new URL(`/models/${path}`, options.management_url);
  const healthUrl = at(isKserve ? `/v1/models/${path}` : '/ping');
  const headers = endpointHeaders(definition, {});

  const get = (url: URL, signal: AbortSignal) => transport.exchange({ method: 'GET', url, headers, signal });

  async function infer(attempt: Attempt): Promise<JsonValue> {
    const { type, content } = mapping.request
      ? json(await mapping.request(attempt.input))
      : requestBody(attempt.input, options);
    const response = await transport.exchange({
      method: 'POST',
      url: inferUrl,
      headers: attemptHeaders({ 'content-type': type, ...headers }, attempt),
      body: content,
      signal: attempt.signal,
      onSent: () => attempt.sent(),
      onProgress: () => attempt.progressed(),
    });
    if (!isSuccess(response.status)) throw torchserveRefusal(response);
    const answer = isKserve ? readJsonAnswer(response) : readAnything(response);
    return mapping.response ? mapping.response(answer, attempt.input) : readAnswer(answer, options);
  }

  async function probe(signal: AbortSignal): Promise<ModelStatus> {
    const response = await get(workersUrl ?? healthUrl, signal);
    if (!isSuccess(response.status)) return statusOfRefusal(response);
    const body = readJsonAnswer(response);
    if (workersUrl !== undefined) return readWorkers(body);
    return isKserve ? readKserveModel(body) : readPing(body);
  }

  return {
    infer,
    probe: (signal) => probing(signal, () => probe(signal)),
    async close() {
      // The connections are the transport's.
    },
  };
}

/** A handler may answer JSON or plain text; text that is no JSON is the answer itself. */
function readAnything(response: UpstreamResponse): JsonValue {
  const text = response.body.toString();
  const isText = String(response.headers['content-type'] ?? '').startsWith('text/plain');
  if (!isText) return readJsonAnswer(response);
  try {
    return parseModelJson(text);
  } catch {
    return text;
  }
}
