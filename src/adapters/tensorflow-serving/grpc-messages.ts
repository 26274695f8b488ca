import type { JsonObject } from '../../contracts/json.ts';
import {
  bytesAt,
  bytesField,
  messageField,
  messagesAt,
  numberField,
  numbersAt,
  type ProtobufField,
  readFields,
  textAt,
} from '../../lib/protobuf.ts';
import { nameOfStatus } from '../shared/grpc.ts';
import type { TensorData } from '../shared/tensors.ts';
import type { Signature, SignatureTensor } from './columns.ts';
import { readShape, readTensor, typeOfDataType, writeTensor } from './tensor-proto.ts';

/*
 * The messages of PredictionService and ModelService (tensorflow_serving/apis), by their field numbers there.
 */

/** Which model of which version; a label in place of a version. */
export interface ModelSpec {
  readonly name: string;
  readonly version: string | undefined;
  readonly label: string | undefined;
}

function modelSpec({ name, version, label }: ModelSpec, signatureName?: string): Buffer {
  return messageField(1, [
    bytesField(1, name),
    ...(version === undefined ? [] : [messageField(2, [numberField(1, BigInt(version))])]),
    ...(signatureName === undefined ? [] : [bytesField(3, signatureName)]),
    ...(label === undefined ? [] : [bytesField(4, label)]),
  ]);
}

/** GetModelStatusRequest. */
export function writeStatusRequest(model: ModelSpec): Buffer {
  return modelSpec(model);
}

/** GetModelMetadataRequest for the signatures. */
export function writeMetadataRequest(model: ModelSpec): Buffer {
  return Buffer.concat([modelSpec(model), bytesField(2, 'signature_def')]);
}

/** PredictRequest. */
export function writePredictRequest(
  model: ModelSpec,
  signatureName: string,
  inputs: ReadonlyMap<string, TensorData>,
): Buffer {
  return Buffer.concat([
    modelSpec(model, signatureName),
    ...[...inputs].map(([name, tensor]) =>
      messageField(2, [bytesField(1, name), bytesField(2, writeTensor(tensor))]),
    ),
  ]);
}

/** PredictResponse: the outputs by name. */
export function readPredictResponse(bytes: Uint8Array): Map<string, TensorData> {
  return new Map(
    messagesAt(readFields(bytes), 1).map((entry) => [
      textAt(entry, 1),
      readTensor(messagesAt(entry, 2).at(-1) ?? []),
    ]),
  );
}

/**
 * GetModelMetadataResponse: the signatures by name. They lie in an Any (a type's name, and its bytes) under the name of
 * what was asked for.
 */
export function readSignatures(bytes: Uint8Array): Map<string, Signature> {
  const metadata =
    messagesAt(readFields(bytes), 2).find((entry) => textAt(entry, 1) === 'signature_def') ?? [];
  const any = messagesAt(metadata, 2).at(-1) ?? [];
  const signatures = bytesAt(any, 2).flatMap((map) => messagesAt(readFields(map), 1));
  return new Map(
    signatures.map((entry) => {
      const definition = messagesAt(entry, 2).at(-1) ?? [];
      return [textAt(entry, 1), { inputs: tensorsAt(definition, 1), outputs: tensorsAt(definition, 2) }];
    }),
  );
}

function tensorsAt(definition: readonly ProtobufField[], field: number): SignatureTensor[] {
  return messagesAt(definition, field).map((entry) => {
    const info = messagesAt(entry, 2).at(-1) ?? [];
    const shape = readShape(messagesAt(info, 3).at(-1) ?? []);
    return {
      name: textAt(entry, 1),
      type: typeOfDataType(Number(numbersAt(info, 2).at(-1) ?? 0n)),
      shape: shape?.map((size) => (size < 0 ? '' : size)),
    };
  });
}

/** ModelVersionStatus.State. */
const states: Readonly<Record<string, string>> = {
  10: 'START',
  20: 'LOADING',
  30: 'AVAILABLE',
  40: 'UNLOADING',
  50: 'END',
};

/** GetModelStatusResponse, in the form that it has over REST. */
export function readStatusResponse(bytes: Uint8Array): JsonObject {
  const versions = messagesAt(readFields(bytes), 1).map((entry) => {
    const status = messagesAt(entry, 3).at(-1) ?? [];
    return {
      version: String(numbersAt(entry, 1).at(-1) ?? 0n),
      state: states[String(numbersAt(entry, 2).at(-1) ?? 0n)] ?? 'UNKNOWN',
      status: {
        error_code: nameOfStatus(Number(numbersAt(status, 1).at(-1) ?? 0n)),
        error_message: textAt(status, 2),
      },
    };
  });
  return { model_version_status: versions };
}
