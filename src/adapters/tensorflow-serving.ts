import type {
  Adapter,
  AdapterContext,
  Attempt,
  EndpointFault,
  Protocol,
  RowResult,
} from '../contracts/adapter.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { ModelStatus } from '../contracts/readiness.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import type { UpstreamResponse } from '../contracts/transport.ts';
import { attemptHeaders, endpointFaults, endpointHeaders } from './shared/endpoint.ts';
import { isGrpc } from './shared/grpc.ts';
import { eachRow } from './shared/rows.ts';
import { isSuccess, probing, readJsonAnswer, refusalOf, statusOfRefusal } from './shared/upstream-answer.ts';
import { readAnswer } from './tensorflow-serving/answer.ts';
import { createGrpcServing, type Predicted } from './tensorflow-serving/grpc.ts';
import { readModelStatus } from './tensorflow-serving/model-status.ts';
import { explainNotFound } from './tensorflow-serving/not-found.ts';
import { type Options, optionsSchema, readOptions } from './tensorflow-serving/options.ts';
import { requestBody } from './tensorflow-serving/request.ts';
import { joinRequests, splitAnswer } from './tensorflow-serving/rows.ts';

/** TensorFlow Serving over REST (port 8501) or gRPC (8500); `endpoint.url` is the server, without a path to a model. */
export const tensorflowServingProtocol: Protocol = {
  name: 'tensorflow-serving',
  optionsSchema,
  check: checkDefinition,
  checkBatching,
  create: createTensorflowServingAdapter,
};

function checkDefinition(definition: SkillDefinition): readonly EndpointFault[] {
  const { model, model_version: version, url, options } = definition.endpoint;
  const faults = [...endpointFaults(definition, { grpc: true })];
  const add = (pointer: string, reason: string): void => {
    faults.push({ pointer: `/endpoint${pointer}`, reason });
  };
  if (/\/v1\/models\b/.test(url)) {
    add('/url', 'has to be the server, such as http://localhost:8501: the model goes into /endpoint/model');
  }
  if (isGrpc(url) && options.method !== undefined && options.method !== 'predict') {
    add('/options/method', 'has to be predict over gRPC');
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

function checkBatching({ endpoint }: SkillDefinition): readonly EndpointFault[] {
  if (endpoint.options.format !== 'columnar') return [];
  return [
    {
      pointer: '/endpoint/options/format',
      reason: 'has to be row where there is /batching: columnar tensors have their batch dimension already',
    },
  ];
}

function createTensorflowServingAdapter({
  definition,
  options,
  mapping,
  transport,
}: AdapterContext): Adapter {
  const settings = readOptions(options);
  const grpc = isGrpc(definition.endpoint.url)
    ? createGrpcServing({ definition, transport }, settings)
    : undefined;
  const statusUrl = modelUrl(definition, settings);
  const inferUrl = new URL(`${statusUrl.href}:${settings.method}`);
  const headers = endpointHeaders(definition, { 'content-type': 'application/json' });

  const toBody = (input: JsonValue): JsonValue | Promise<JsonValue> =>
    mapping.request ? mapping.request(input) : requestBody(input, settings);

  const toOutput = (answer: JsonValue, input: JsonValue): JsonValue | Promise<JsonValue> =>
    mapping.response ? mapping.response(answer, input) : readAnswer(answer, settings);

  async function infer(attempt: Attempt): Promise<JsonValue> {
    return toOutput(await ask(await toBody(attempt.input), attempt), attempt.input);
  }

  async function inferBatch(attempt: Attempt<readonly JsonValue[]>): Promise<readonly RowResult[]> {
    const results: RowResult[] = await eachRow(attempt.input, toBody);
    const bodies = [...results.entries()].flatMap(([index, body]) =>
      body instanceof SkillgateError ? [] : [[index, body] as const],
    );
    await Promise.all(
      joinRequests(bodies).map(async (request) => {
        const answers = splitAnswer(await ask(request.body, attempt), request);
        const outputs = await eachRow(request.parts, ({ index }, part) =>
          toOutput(answers[part] ?? null, attempt.input[index] ?? null),
        );
        for (const [part, { index }] of request.parts.entries()) results[index] = outputs[part] ?? null;
      }),
    );
    return results;
  }

  /** Sends a request, and gives the body of a good answer. */
  async function ask(body: JsonValue, attempt: Attempt<unknown>): Promise<JsonValue> {
    const predicted = await (grpc ? grpc.predict(body, attempt) : post(body, attempt));
    if ('answer' in predicted) return predicted.answer;
    const { refused } = predicted;
    if (refused.status !== 404) throw refusalOf(refused);
    throw explainNotFound(refused, await askStatus(attemptHeaders(headers, attempt), attempt.signal));
  }

  async function post(body: JsonValue, attempt: Attempt<unknown>): Promise<Predicted> {
    const response = await transport.exchange({
      method: 'POST',
      url: inferUrl,
      headers: attemptHeaders(headers, attempt),
      body: JSON.stringify(body),
      signal: attempt.signal,
      onSent: () => attempt.sent(),
      onProgress: () => attempt.progressed(),
    });
    return isSuccess(response.status) ? { answer: readJsonAnswer(response) } : { refused: response };
  }

  function askStatus(
    requestHeaders: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<UpstreamResponse> {
    if (grpc) return grpc.askStatus(signal);
    return transport.exchange({ method: 'GET', url: statusUrl, headers: requestHeaders, signal });
  }

  async function probe(signal: AbortSignal): Promise<ModelStatus> {
    const response = await askStatus(headers, signal);
    return response.status === 200 ? readModelStatus(readJsonAnswer(response)) : statusOfRefusal(response);
  }

  return {
    infer,
    inferBatch,
    probe: (signal) => probing(signal, () => probe(signal)),
    async close() {
      grpc?.close();
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
