import type { AdapterContext } from '../../contracts/adapter.ts';
import type { SkillgateError } from '../../contracts/errors.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { attemptHeaders, endpointMetadata } from '../shared/endpoint.ts';
import { asHttp, readMessage } from '../shared/grpc.ts';
import { isSuccess, notLoaded, statusOfRefusal } from '../shared/upstream-answer.ts';
import {
  readIndex,
  readInferResponse,
  readMetadata,
  readReady,
  writeInferRequest,
  writeLoadRequest,
  writeModelRequest,
} from './grpc-messages.ts';
import { inferRefusal, loadRefusal } from './not-ready.ts';
import { type OpenInferenceOptions, parametersOf } from './options.ts';
import type { InferenceServer } from './server.ts';

const service = '/inference.GRPCInferenceService/';
const nothing = Buffer.alloc(0);

/** Makes the way to a model over gRPC. */
export function createGrpcServer(
  { definition, transport }: AdapterContext,
  options: OpenInferenceOptions,
): InferenceServer {
  const { model = '', model_version: version } = definition.endpoint;
  const url = new URL(definition.endpoint.url);
  const metadata = endpointMetadata(definition);
  const parameters = parametersOf(options);

  async function ask(method: string, message: Buffer, signal: AbortSignal): Promise<UpstreamResponse> {
    return asHttp(await transport.call({ url, method: service + method, metadata, message, signal }));
  }

  async function lookUp(signal: AbortSignal): Promise<ModelStatus | undefined> {
    const response = await ask('RepositoryIndex', nothing, signal);
    if (!isSuccess(response.status)) return undefined;
    return readMessage(response.body, (bytes) => readIndex(bytes, model, version));
  }

  /** NOT_FOUND means a model that the server does not know, and one that it has not loaded. */
  async function refusal(response: UpstreamResponse, signal: AbortSignal): Promise<SkillgateError> {
    const refused = inferRefusal(response);
    if (response.status !== 404 || refused.code === 'model_not_ready') return refused;
    const status = await lookUp(signal);
    if (status === undefined) return refused;
    return notLoaded(`${refused.message} ${status.reason}`, { upstreamStatus: 404 });
  }

  return {
    async describe(signal) {
      const response = await ask('ModelMetadata', writeModelRequest(model, version), signal);
      if (!isSuccess(response.status)) throw await refusal(response, signal);
      return readMessage(response.body, readMetadata);
    },

    async infer(request, attempt) {
      const head = { model, version, id: attempt.requestId, parameters };
      const response = asHttp(
        await transport.call({
          url,
          method: `${service}ModelInfer`,
          metadata: attemptHeaders(metadata, attempt),
          message: writeInferRequest(request, head),
          signal: attempt.signal,
          onSent: () => attempt.sent(),
          onProgress: () => attempt.progressed(),
        }),
      );
      if (!isSuccess(response.status)) throw await refusal(response, attempt.signal);
      return readMessage(response.body, readInferResponse);
    },

    async ready(signal) {
      const response = await ask('ModelReady', writeModelRequest(model, version), signal);
      const isReady = isSuccess(response.status) && readMessage(response.body, readReady);
      if (isReady) return { state: 'ready', reason: `The model ${model} is ready.` };
      const known = await lookUp(signal);
      if (known && known.state !== 'ready') return known;
      const status: ModelStatus = isSuccess(response.status)
        ? { state: 'not_ready', reason: `The server says that the model ${model} is not ready.` }
        : statusOfRefusal(response);
      const server = await ask('ServerReady', nothing, signal);
      const isServing = isSuccess(server.status) && readMessage(server.body, readReady);
      return isServing ? status : { ...status, state: 'loading' };
    },

    async load(signal) {
      const response = await ask('RepositoryModelLoad', writeLoadRequest(model), signal);
      if (!isSuccess(response.status)) throw loadRefusal(response);
    },
  };
}
