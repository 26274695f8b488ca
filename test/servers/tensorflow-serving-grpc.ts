import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type GrpcServer, GrpcStatus, startGrpcServer } from './grpc-server.ts';

/*
 * A stand-in for TensorFlow Serving over gRPC (port 8500), with one model. Statuses and texts follow the server's own
 * sources (predict_util.cc, get_model_status_impl.cc, get_model_metadata_impl.cc).
 */

export interface TensorProto {
  readonly dtype: number;
  readonly tensor_shape: { readonly dim: readonly { readonly size: string | number }[] };
  readonly tensor_content?: Buffer;
  readonly string_val?: readonly Buffer[];
  readonly [list: string]: unknown;
}

type Tensors = Readonly<Record<string, TensorProto>>;

export interface GrpcModel {
  readonly name: string;
  /** The shapes and data types of the inputs and outputs. */
  readonly inputs: Readonly<Record<string, readonly [dtype: number, shape: readonly number[] | undefined]>>;
  readonly outputs?: Readonly<Record<string, readonly [dtype: number, shape: readonly number[]]>>;
  run(inputs: Tensors): Tensors | undefined;
}

export interface TensorflowServingGrpc extends GrpcServer {
  readonly inferences: number;
  /** The states of the versions by number (10 START, 20 LOADING, 30 AVAILABLE, 50 END); none for an unknown model. */
  setVersions(versions: Readonly<Record<string, number>>, error?: { code: number; message: string }): void;
}

interface Named {
  readonly model_spec: { readonly name: string; readonly signature_name: string };
  readonly inputs: Tensors;
}

const proto = 'tensorflow_serving.proto';

export async function startTensorflowServingGrpc(model: GrpcModel): Promise<TensorflowServingGrpc> {
  let versions: Readonly<Record<string, number>> = { 1: 30 };
  let error = { code: 0, message: '' };
  let inferences = 0;

  function requireLoaded(request: unknown): Named {
    const named = request as Named;
    const isLoaded = named.model_spec.name === model.name && Object.values(versions).includes(30);
    if (isLoaded) return named;
    throw new GrpcStatus(
      status.NOT_FOUND,
      `Servable not found for request: Latest(${named.model_spec.name})`,
    );
  }

  const server = await startGrpcServer({
    proto,
    services: {
      'tensorflow.serving.PredictionService': {
        Predict({ request }) {
          const { inputs } = requireLoaded(request);
          inferences += 1;
          const outputs = model.run(inputs);
          return outputs && { outputs };
        },
        GetModelMetadata({ request }) {
          requireLoaded(request);
          return { metadata: { signature_def: { type_url: 'SignatureDefMap', value: signatureMap(model) } } };
        },
      },
      'tensorflow.serving.ModelService': {
        GetModelStatus({ request }) {
          const { name } = (request as Named).model_spec;
          if (name !== model.name) {
            throw new GrpcStatus(status.NOT_FOUND, `Could not find any versions of model ${name}`);
          }
          return {
            model_version_status: Object.entries(versions).map(([version, state]) => ({
              version,
              state,
              status: { error_code: error.code, error_message: error.message },
            })),
          };
        },
      },
    },
  });
  return {
    ...server,
    get inferences() {
      return inferences;
    },
    setVersions(next, why = { code: 0, message: '' }) {
      versions = next;
      error = why;
    },
  };
}

function signatureMap({ inputs, outputs = {} }: GrpcModel): Buffer {
  const definitions = loadSync(join(import.meta.dirname, 'proto', proto), { keepCase: true });
  const describe = (tensors: GrpcModel['inputs']) =>
    Object.fromEntries(
      Object.entries(tensors).map(([name, [dtype, shape]]) => [
        name,
        {
          name: `${name}:0`,
          dtype,
          tensor_shape: shape ? { dim: shape.map((size) => ({ size })) } : { unknown_rank: true },
        },
      ]),
    );
  const signature = {
    inputs: describe(inputs),
    outputs: describe(outputs),
    method_name: 'tensorflow/serving/predict',
  };
  // It travels as the bytes of an Any, which the service does not read.
  const map = definitions['tensorflow.serving.SignatureDefMap'];
  if (map === undefined || !('serialize' in map)) throw new Error('the message is not in the definitions');
  return (map as { serialize(value: object): Buffer }).serialize({
    signature_def: { serving_default: signature },
  });
}
