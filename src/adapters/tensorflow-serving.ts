import type { Adapter, AdapterContext, Attempt, EndpointFault, Protocol } from '../contracts/adapter.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { ModelStatus } from '../contracts/readiness.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import type { UpstreamResponse } from '../contracts/transport.ts';
import { attemptHeaders, endpointFaults, endpointHeaders } from './shared/endpoint.ts';
import { probing, readJsonAnswer, statusOfRefusal } from './shared/upstream-answer.ts';
import { readAnswer } from './tensorflow-serving/answer.ts';
import { readModelStatus } from './tensorflow-serving/model-status.ts';
import { explainNotFound } from './tensorflow-serving/not-found.ts';
import { type Options, optionsSchema, readOptions } from './tensorflow-serving/options.ts';
import { requestBody } from './tensorflow-serving/request.ts';

/** TensorFlow Serving's REST API (port 8501); `endpoint.url` is the server, without a path to a model. */
export const tensorflowServingProtocol: Protocol = {
  name: 'tensorflow-serving',
  optionsSchema,
  check: checkDefinition,
  create: createTensorflowServingAdapter,
};

function checkDefinition(definition: SkillDefinition): readonly EndpointFault[] {
  const { model, model_version: version, url, options } = definition.endpoint;
  const faults = [...endpointFaults(definition)];
  const add = (pointer: string, reason: string): void => {
    faults.push({ pointer: `/endpoint${pointer}`, reason });
  };
  if (/\/v1\/models\b/.test(url)) {
    add('/url', 'has to be the server, such as http://localhost:8501: the model goes into /endpoint/model');
  }
  if (model === undefined) add('', 'has to name the model on the server, in `model`');
  else if (/[/:]/.test(model)) add('/model', 'must not contain / or :');
  if (version !== undefined && !/^\d{1,18}$/.test(version)) add('/model_version', 'has to be a whole number');
  if (version !== undefined && options.version_label !== undefined) {
    add('/options/version_label', 'cannot stand beside /endpoint/model_version');
  }
  const { properties } = definition.input_schema;
  if (typeof properties === 'object' && properties !== null) {
    const { inputName, bytes } = readOptions(definition.endpoint.options);
    for (const [place, name] of [
      ['input_name', inputName] as const,
      ...bytes.map((name) => ['bytes', name] as const),
    ]) {
      if (name !== undefined && !Object.hasOwn(properties, name)) {
        add(`/options/${place}`, `names ${name}, which is no property of the input schema`);
      }
    }
  }
  return faults;
}

function createTensorflowServingAdapter({
  definition,
  options,
  mapping,
  transport,
}: AdapterContext): Adapter {
  const settings = readOptions(options);
  const statusUrl = modelUrl(definition, settings);
  const inferUrl = new URL(`${statusUrl.href}:${settings.method}`);
  const headers = endpointHeaders(definition, { 'content-type': 'application/json' });

  async function infer(attempt: Attempt): Promise<JsonValue> {
    const body = mapping.request
      ? await mapping.request(attempt.input)
      : requestBody(attempt.input, settings);
    const response = await transport.exchange({
      method: 'POST',
      url: inferUrl,
      headers: attemptHeaders(headers, attempt),
      body: JSON.stringify(body),
      signal: attempt.signal,
      onSent: () => attempt.sent(),
      onProgress: () => attempt.progressed(),
    });
    if (response.status === 404) {
      throw explainNotFound(response, await askStatus(attemptHeaders(headers, attempt), attempt.signal));
    }
    const answer = readJsonAnswer(response);
    return mapping.response ? mapping.response(answer, attempt.input) : readAnswer(answer, settings);
  }

  function askStatus(
    requestHeaders: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    return transport.exchange({ method: 'GET', url: statusUrl, headers: requestHeaders, signal });
  }

  async function probe(signal: AbortSignal): Promise<ModelStatus> {
    const response = await askStatus(headers, signal);
    return response.status === 200 ? readModelStatus(readJsonAnswer(response)) : statusOfRefusal(response);
  }

  return {
    infer,
    probe: (signal) => probing(signal, () => probe(signal)),
    async close() {
      // The connections are the transport's.
    },
  };
}

/** The route of the model, at the version or label that the definition names. */
function modelUrl({ endpoint }: SkillDefinition, { versionLabel }: Options): URL {
  const base = new URL(endpoint.url);
  const parts = [base.pathname.replace(/\/+$/, ''), 'v1', 'models', encodeURIComponent(endpoint.model ?? '')];
  if (endpoint.model_version !== undefined) parts.push('versions', endpoint.model_version);
  else if (versionLabel !== undefined) parts.push('labels', encodeURIComponent(versionLabel));
  return new URL(parts.join('/'), base);
}
