/** How TensorFlow Serving reads requests and writes answers (json_tensor.cc), for its stand-in. */

/** The names of inputs with their data types. */
export type TensorInputs = Readonly<Record<string, 'DT_STRING' | 'DT_FLOAT' | 'DT_INT64'>>;

type StatusCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'RESOURCE_EXHAUSTED'
  | 'INTERNAL'
  | 'UNIMPLEMENTED'
  | 'UNAVAILABLE'
  | 'DEADLINE_EXCEEDED';

/** An error of the server, by its gRPC name. */
export class StatusError extends Error {
  readonly code: StatusCode;

  constructor(code: StatusCode, message: string) {
    super(message);
    this.code = code;
  }
}

type Row = Readonly<Record<string, unknown>>;

export interface TensorRequest {
  readonly signatureName: string;
  /** The examples of classify and regress. */
  examples(): Row[];
  /** The inputs of predict as rows, and whether they came as columns. */
  predictInputs(inputs: TensorInputs): { readonly rows: Row[]; readonly columnar: boolean };
}

/** Reads the body of an inference. */
export function readTensors(body: string): TensorRequest {
  const document = parse(body);
  const { signature_name: signatureName = 'serving_default' } = document;
  if (typeof signatureName !== 'string') {
    throw invalid(
      `JSON Value: ${body} not formatted correctly. 'signature_name' key must be a string value.`,
    );
  }
  return {
    signatureName,
    examples: () => readExamples(document),
    predictInputs: (inputs) => readInputs(document, inputs),
  };
}

function parse(body: string): Row {
  if (body === '') throw invalid('JSON Parse error: The document is empty');
  try {
    const document: unknown = JSON.parse(body);
    if (isObject(document)) return document;
  } catch {
    throw invalid('JSON Parse error: Invalid value. at offset: 0');
  }
  throw invalid(`JSON Value: ${body} Is not object`);
}

function readExamples({ examples, context = {} }: Row): Row[] {
  if (!Array.isArray(examples) || examples.length === 0) {
    throw invalid("When method is classify, key 'examples' is expected and was not found");
  }
  return examples.map((example: unknown) => {
    if (!isObject(example)) throw invalid('Example must be JSON object but got JSON Array');
    return Object.fromEntries(
      Object.entries({ ...(isObject(context) && context), ...example }).map(([name, value]) => [
        name,
        decode(value),
      ]),
    );
  });
}

function readInputs({ instances, inputs }: Row, types: TensorInputs): { rows: Row[]; columnar: boolean } {
  if (instances !== undefined && inputs !== undefined) {
    throw invalid("Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist ");
  }
  if (instances === undefined && inputs === undefined) throw invalid("Missing 'inputs' or 'instances' key");
  const names = Object.keys(types).sort();
  if (inputs !== undefined) {
    const columns = isObject(inputs) && !isBase64(inputs) ? inputs : { [names[0] ?? '']: inputs };
    const missing = names.find((name) => columns[name] === undefined);
    if (missing !== undefined) throw invalid(`Missing named input: ${missing} in 'inputs' object.`);
    const [first] = Object.values(columns);
    const rows = (Array.isArray(first) ? first : [first]).map((_value, index) =>
      Object.fromEntries(names.map((name) => [name, readValue(valueAt(columns[name], index), types[name])])),
    );
    return { rows, columnar: true };
  }
  if (!Array.isArray(instances)) throw invalid("Excepting 'instances' to be an list/array");
  return {
    rows: instances.map((instance: unknown, index) => readInstance(instance, index, names, types)),
    columnar: false,
  };
}

function readInstance(instance: unknown, index: number, names: string[], types: TensorInputs): Row {
  if (isObject(instance) && !isBase64(instance)) {
    const keys = Object.keys(instance).sort();
    if (keys.join() !== names.join()) {
      throw invalid(
        `Failed to process element: ${index} of 'instances' list. JSON object: ${JSON.stringify(instance)} keys must be equal to: ${names.join(',')}`,
      );
    }
    return Object.fromEntries(names.map((name) => [name, readValue(instance[name], types[name])]));
  }
  if (names.length > 1) {
    throw invalid(
      'instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map',
    );
  }
  const [name = ''] = names;
  return { [name]: readValue(instance, types[name]) };
}

function readValue(value: unknown, type: TensorInputs[string] | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => readValue(item, type));
  if (type === 'DT_STRING' ? typeof value === 'string' || isBase64(value) : typeof value === 'number')
    return decode(value);
  const kind =
    value === null ? 'Null' : isObject(value) ? 'Object' : typeof value === 'string' ? 'String' : 'Number';
  const expected = type === 'DT_STRING' ? 'string' : type === 'DT_FLOAT' ? 'float' : 'int64';
  throw invalid(`JSON Value: ${JSON.stringify(value)} Type: ${kind} is not of expected type: ${expected}`);
}

/** Base64 becomes bytes; the URL-safe alphabet and missing padding are refused. */
function decode(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(decode);
  if (!isBase64(value)) return value;
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value.b64)) {
    throw invalid('Unable to base64 decode');
  }
  return Buffer.from(value.b64, 'base64');
}

function valueAt(column: unknown, index: number): unknown {
  return Array.isArray(column) ? column[index] : column;
}

function isObject(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBase64(value: unknown): value is { b64: string } {
  return isObject(value) && Object.keys(value).join() === 'b64' && typeof value.b64 === 'string';
}

function invalid(message: string): StatusError {
  return new StatusError('INVALID_ARGUMENT', message);
}

/**
 * Writes an answer: whole floats with `.0`, NaN and the infinities bare, bigints as int64, bytes as `{"b64": …}`.
 */
export function writeTensorflowJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return Number.isInteger(value) ? value.toFixed(1) : String(value);
  if (Buffer.isBuffer(value)) return `{ "b64": "${value.toString('base64')}" }`;
  if (Array.isArray(value)) return `[${value.map(writeTensorflowJson).join(', ')}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([name, member]) => `    "${name}": ${writeTensorflowJson(member)}`,
  );
  return `{\n${members.join(',\n')}\n}`;
}
