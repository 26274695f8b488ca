import type { AdapterContext, Attempt } from '../../contracts/adapter.ts';
import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonValue } from '../../contracts/json.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { attemptHeaders, endpointMetadata } from '../shared/endpoint.ts';
import { asHttp, readMessage } from '../shared/grpc.ts';
import { createLookup } from '../shared/lookup.ts';
import { isSuccess } from '../shared/upstream-answer.ts';
import { type Signature, toAnswer, toTensors } from './columns.ts';
import {
  readPredictResponse,
  readSignatures,
  readStatusResponse,
  writeMetadataRequest,
  writePredictRequest,
  writeStatusRequest,
} from './grpc-messages.ts';
import type { Options } from './options.ts';

/** What became of a request: the answer's JSON, or a refusal that is still to be explained. */
export type Predicted = { readonly answer: JsonValue } | { readonly refused: UpstreamResponse };

/** The server over gRPC (port 8500), for those who know it over REST: bodies, answers and refusals are the same. */
export interface GrpcServing {
  predict(body: JsonValue, attempt: Attempt<unknown>): Promise<Predicted>;
  askStatus(signal: AbortSignal): Promise<UpstreamResponse>;
  close(): void;
}

const predictionService = '/tensorflow.serving.PredictionService/';
const statusMethod = '/tensorflow.serving.ModelService/GetModelStatus';

export function createGrpcServing(
  { definition, transport }: Pick<AdapterContext, 'definition' | 'transport'>,
  { versionLabel }: Pick<Options, 'versionLabel'>,
): GrpcServing {
  const { endpoint } = definition;
  const url = new URL(endpoint.url);
  const metadata = endpointMetadata(definition);
  const model = { name: endpoint.model ?? '', version: endpoint.model_version, label: versionLabel };

  /** A refusal is no failure of the lookup, but not kept either. */
  const signatures = createLookup(async (signal): Promise<Map<string, Signature> | UpstreamResponse> => {
    const method = `${predictionService}GetModelMetadata`;
    const message = writeMetadataRequest(model);
    const response = asHttp(await transport.call({ url, method, metadata, message, signal }));
    return isSuccess(response.status) ? readMessage(response.body, readSignatures) : response;
  }, definition.timeouts.first_byte_ms);

  return {
    async predict(body, attempt) {
      attempt.signal.throwIfAborted();
      const known = await signatures.get(attempt.signal);
      if (!(known instanceof Map)) {
        signatures.forget();
        return { refused: known };
      }
      if (!isJsonObject(body))
        throw new SkillgateError('internal', 'A request of TensorFlow Serving is an object.');
      const name = typeof body.signature_name === 'string' ? body.signature_name : 'serving_default';
      const signature = known.get(name);
      if (signature === undefined) {
        const message = `The model has no signature "${name}"; it has ${[...known.keys()].join(', ')}.`;
        throw new SkillgateError('upstream_error', message, { upstreamStatus: 400, mayHaveRun: false });
      }
      const response = asHttp(
        await transport.call({
          url,
          method: `${predictionService}Predict`,
          metadata: attemptHeaders(metadata, attempt),
          message: writePredictRequest(model, name, toTensors(body, signature)),
          signal: attempt.signal,
          onSent: () => attempt.sent(),
          onProgress: () => attempt.progressed(),
        }),
      );
      if (isSuccess(response.status)) {
        const outputs = readMessage(response.body, readPredictResponse);
        if (outputs.size === 0)
          throw new SkillgateError('upstream_error', "The model server's answer has no outputs.");
        return { answer: toAnswer(outputs, Array.isArray(body.instances)) };
      }
      // A server that refuses may have another version by now, with other tensors.
      signatures.forget();
      return { refused: response };
    },

    async askStatus(signal) {
      const message = writeStatusRequest(model);
      const response = asHttp(await transport.call({ url, method: statusMethod, metadata, message, signal }));
      if (!isSuccess(response.status)) return response;
      const status = readMessage(response.body, readStatusResponse);
      return { ...response, body: Buffer.from(JSON.stringify(status)) };
    },

    close: signatures.close,
  };
}
