import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json.ts';
import type { UpstreamResponse } from '../../contracts/transport.ts';
import { createElements, isTensorType, type TensorType } from '../shared/elements.ts';
import type { NamedTensor } from '../shared/joined-rows.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';
import { isFixedSize, tensorFromBytes, tensorToBytes } from '../shared/tensor-bytes.ts';
import { decodeTensor, sizeOf, type TensorData } from '../shared/tensors.ts';
import { readJsonAnswer } from '../shared/upstream-answer.ts';
import { datatypeOf, typeOfDatatype } from './datatypes.ts';
import { binaryFromBytes } from './model.ts';
import type { InferenceRequest } from './server.ts';

/** Says how many bytes of a body are JSON, before the bytes of its tensors. */
const lengthHeader = 'inference-header-content-length';

export interface RestBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/**
 * Writes a request: tensors as JSON, or as bytes behind the JSON where they are large, or cannot be JSON.
 *
 * @param id names the request in the server's logs
 */
export function writeRequest(
  { inputs, outputs, binary: use }: InferenceRequest,
  id: string,
  parameters: JsonObject | undefined,
): RestBody {
  const binary: Buffer[] = [];
  const written = inputs.map(({ name, tensor }) => {
    const head = `{"name":${JSON.stringify(name)},"shape":${JSON.stringify(tensor.dims)},"datatype":"${datatypeOf(tensor.type)}"`;
    if (use === 'none' || (use === 'large' && !isBetterBinary(tensor))) return `${head}${jsonData(tensor)}}`;
    const bytes = tensorToBytes(tensor);
    binary.push(bytes);
    return `${head},"parameters":{"binary_data_size":${bytes.length}}}`;
  });
  const wanted = outputs.map((output) => ({
    name: output.name,
    ...(use !== 'none' && (output.binary || binary.length > 0) && { parameters: { binary_data: true } }),
  }));
  const more = { ...(wanted.length > 0 && { outputs: wanted }), ...(parameters && { parameters }) };
  const json = `{"id":${JSON.stringify(id)},"inputs":[${written.join(',')}]${inside(more)}}`;
  if (binary.length === 0) return { headers: { 'content-type': 'application/json' }, body: json };
  const start = Buffer.from(json);
  return {
    headers: { 'content-type': 'application/octet-stream', [lengthHeader]: String(start.length) },
    body: Buffer.concat([start, ...binary]),
  };
}

/** The members of an object, to be put behind others. */
function inside(members: JsonObject): string {
  const text = JSON.stringify(members).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}

function isBetterBinary({ type, data }: TensorData): boolean {
  if (type === 'base64' || type === 'float16' || type === 'bfloat16') return true;
  return !Array.isArray(data) && data.byteLength >= binaryFromBytes && isFixedSize(type);
}

/** Writes the elements in row-major order, flat, as every server takes them. */
function jsonData({ type, data }: TensorData): string {
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return `,"data":[${data.join(',')}]`;
  if (type === 'base64') {
    return `,"parameters":{"content_type":"base64"},"data":${JSON.stringify(decodeTensor({ type, dims: [data.length], data }))}`;
  }
  return `,"data":${JSON.stringify(decodeTensor({ type, dims: [data.length], data }))}`;
}

/**
 * Reads the outputs of an answer.
 *
 * @throws SkillgateError `upstream_error` where it is not of the protocol, `invalid_output` for null among numbers,
 *   which MLServer writes for NaN; other answers than 2xx as `refusalOf`
 */
export function readResponse(response: UpstreamResponse): NamedTensor[] {
  const jsonLength = Number(response.headers[lengthHeader] ?? response.body.length);
  const body = readJsonAnswer({ ...response, body: response.body.subarray(0, jsonLength) });
  const { outputs } = membersOf(body);
  if (!Array.isArray(outputs)) throw notOfProtocol('has no outputs');
  let rest = response.body.subarray(jsonLength);
  return outputs.map((output) => {
    const { name, type, dims, data, parameters } = readHead(output);
    const size = parameters.binary_data_size;
    if (typeof size !== 'number') return { name, tensor: readJsonTensor(name, type, dims, data, parameters) };
    if (!(size >= 0 && size <= rest.length)) throw notOfProtocol(`ends before the bytes of "${name}"`);
    const bytes = rest.subarray(0, size);
    rest = rest.subarray(size);
    return { name, tensor: tensorFromBytes(type, dims, bytes) };
  });
}

function readHead(output: JsonValue) {
  const { name, datatype, shape, data, parameters } = membersOf(output);
  const dims = itemsOf(shape).filter(
    (size) => typeof size === 'number' && Number.isInteger(size) && size >= 0,
  );
  if (typeof name !== 'string' || typeof datatype !== 'string' || dims.length !== itemsOf(shape).length) {
    throw notOfProtocol('has an output without a name, a datatype or a shape');
  }
  const type = typeOfDatatype(datatype);
  if (!isTensorType(type))
    throw notOfProtocol(`has "${name}" of the datatype ${datatype}, which JSON cannot carry`);
  return { name, type, dims: dims.map(Number), data, parameters: membersOf(parameters) };
}

function readJsonTensor(
  name: string,
  type: TensorType,
  dims: readonly number[],
  data: JsonValue | undefined,
  { content_type: contentType }: ReturnType<typeof membersOf>,
): TensorData {
  const flat = flatten(data);
  if (!Array.isArray(data) || flat.length !== sizeOf(dims)) {
    throw notOfProtocol(`has ${flat.length} elements in "${name}" of the shape [${dims.join(', ')}]`);
  }
  const isBase64 = type === 'text' && contentType === 'base64';
  const elements = createElements(isBase64 ? 'base64' : type, flat.length);
  elements.write(flat, 0, (index, expected) => {
    const found = flat[index];
    const what = `${String(found)} in "${name}" at ${index}, where ${expected} is due`;
    if (found !== null && !(typeof found === 'number' && !Number.isFinite(found)))
      throw notOfProtocol(`has ${what}`);
    throw new SkillgateError('invalid_output', `The model gave ${what}; null is how some servers write NaN.`);
  });
  return { type, dims, data: elements.data };
}

/** The elements of a list, nested or flat, row-major. */
function flatten(data: JsonValue | undefined): JsonValue[] {
  if (!Array.isArray(data)) return [];
  return Array.isArray(data[0]) ? data.flatMap(flatten) : data;
}

function notOfProtocol(what: string): SkillgateError {
  return new SkillgateError('upstream_error', `The model server's answer ${what}.`);
}

/** Whether the server says that tensors may travel as bytes. */
export function saysBinary(serverMetadata: JsonValue): boolean {
  return isJsonObject(serverMetadata) && itemsOf(serverMetadata.extensions).includes('binary_tensor_data');
}
