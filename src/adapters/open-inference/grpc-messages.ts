import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonObject, JsonValue } from '../../contracts/json.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import {
  bytesAt,
  bytesField,
  messageField,
  messagesAt,
  numberField,
  numbersAt,
  type ProtobufField,
  packedField,
  readFields,
  textAt,
} from '../../lib/protobuf.ts';
import { createElements, isTensorType, type TensorType } from '../shared/elements.ts';
import type { NamedTensor } from '../shared/joined-rows.ts';
import { tensorFromBytes, tensorToBytes } from '../shared/tensor-bytes.ts';
import { sizeOf, type TensorData } from '../shared/tensors.ts';
import { datatypeOf, typeOfDatatype } from './datatypes.ts';
import { statusInIndex } from './not-ready.ts';
import type { InferenceRequest, ModelDescription, TensorDescription } from './server.ts';

/*
 * The messages of GRPCInferenceService (Open Inference Protocol, inference_grpc.proto), by their field numbers there.
 */

/** ModelReadyRequest and ModelMetadataRequest. */
export function writeModelRequest(model: string, version: string | undefined): Buffer {
  return Buffer.concat([bytesField(1, model), ...(version === undefined ? [] : [bytesField(2, version)])]);
}

/** RepositoryModelLoadRequest. */
export function writeLoadRequest(model: string): Buffer {
  return bytesField(2, model);
}

/** ModelInferRequest, with the tensors in `raw_input_contents`, as Triton recommends and every server takes them. */
export function writeInferRequest(
  { inputs, outputs }: InferenceRequest,
  { model, version, id, parameters }: InferHead,
): Buffer {
  return Buffer.concat([
    writeModelRequest(model, version),
    bytesField(3, id),
    ...Object.entries(parameters ?? {}).map(([name, value]) =>
      messageField(4, [bytesField(1, name), messageField(2, [parameterField(value)])]),
    ),
    ...inputs.map(({ name, tensor }) =>
      messageField(5, [
        bytesField(1, name),
        bytesField(2, datatypeOf(tensor.type)),
        packedField(3, tensor.dims),
      ]),
    ),
    ...outputs.map(({ name }) => messageField(6, [bytesField(1, name)])),
    ...inputs.map(({ tensor }) => bytesField(7, tensorToBytes(tensor))),
  ]);
}

export interface InferHead {
  readonly model: string;
  readonly version: string | undefined;
  readonly id: string;
  readonly parameters: JsonObject | undefined;
}

/** InferParameter: bool_param, int64_param or string_param. */
function parameterField(value: JsonValue): Buffer {
  if (typeof value === 'boolean') return numberField(1, value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return numberField(2, value);
  return bytesField(3, typeof value === 'string' ? value : JSON.stringify(value));
}

/** ModelReadyResponse and ServerReadyResponse. */
export function readReady(bytes: Uint8Array): boolean {
  return numbersAt(readFields(bytes), 1).at(-1) === 1n;
}

/** ModelMetadataResponse. */
export function readMetadata(bytes: Uint8Array): ModelDescription {
  const fields = readFields(bytes);
  const describe = (tensor: readonly ProtobufField[]): TensorDescription => ({
    name: textAt(tensor, 1),
    datatype: textAt(tensor, 2),
    shape: signed(numbersAt(tensor, 3)),
  });
  return {
    inputs: messagesAt(fields, 4).map(describe),
    outputs: messagesAt(fields, 5).map(describe),
    takesBinary: true,
  };
}

/** RepositoryIndexResponse. */
export function readIndex(
  bytes: Uint8Array,
  model: string,
  version: string | undefined,
): ModelStatus | undefined {
  const index = messagesAt(readFields(bytes), 1).map((entry) => ({
    name: textAt(entry, 1),
    version: textAt(entry, 2),
    state: textAt(entry, 3),
    reason: textAt(entry, 4),
  }));
  return statusInIndex(index, model, version);
}

/**
 * ModelInferResponse: the tensors are in `raw_output_contents`, or each in its own `contents`.
 *
 * @throws SkillgateError `upstream_error` where there are fewer elements than a shape says
 */
export function readInferResponse(bytes: Uint8Array): NamedTensor[] {
  const fields = readFields(bytes);
  const raw = bytesAt(fields, 6);
  return messagesAt(fields, 5).map((output, index) => {
    const name = textAt(output, 1);
    const datatype = textAt(output, 2);
    const type = typeOfDatatype(datatype);
    if (!isTensorType(type)) {
      throw new SkillgateError(
        'upstream_error',
        `The model server's answer has "${name}" of the datatype ${datatype}.`,
      );
    }
    const dims = signed(numbersAt(output, 3));
    const own = raw[index];
    if (own) return { name, tensor: tensorFromBytes(type, dims, own) };
    return { name, tensor: readContents(type, dims, messagesAt(output, 5).at(-1) ?? []) };
  });
}

/** InferTensorContents: a list of its own for each kind of element. */
function readContents(
  type: TensorType,
  dims: readonly number[],
  contents: readonly ProtobufField[],
): TensorData {
  const floats = { float32: 6, float64: 7 }[type as string];
  if (floats !== undefined) return tensorFromBytes(type, dims, Buffer.concat(bytesAt(contents, floats)));
  if (type === 'text') return { type, dims, data: bytesAt(contents, 8) };
  const numbers = [1, 2, 3, 4, 5].flatMap((field) => numbersAt(contents, field));
  const elements = createElements(type, sizeOf(dims));
  const isSigned = type.startsWith('int');
  const leaves = numbers.map((value) =>
    type === 'bool' ? value !== 0n : String(isSigned ? BigInt.asIntN(64, value) : value),
  );
  const fits = leaves.length === sizeOf(dims);
  const values = type.endsWith('64') || type === 'bool' ? leaves : leaves.map(Number);
  elements.write(fits ? values : [], 0, (at, expected) => {
    throw new SkillgateError('upstream_error', `The model server's answer has no ${expected} at ${at}.`);
  });
  if (!fits) {
    throw new SkillgateError(
      'upstream_error',
      `The model server sent ${leaves.length} elements for [${dims.join(', ')}].`,
    );
  }
  return { type, dims, data: elements.data };
}

function signed(values: readonly bigint[]): number[] {
  return values.map((value) => Number(BigInt.asIntN(64, value)));
}
