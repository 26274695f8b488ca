import { type Behaviour, hang, json, type ModelServer, startModelServer, text } from './model-server.ts';

/*
 * Stand-ins for servers of the Open Inference Protocol, V2. Routes, codes and texts follow the sources and the
 * documentation of Triton (server/src/http_server.cc, core/src/model_repository_manager) and MLServer (mlserver/rest,
 * mlserver/errors.py); test/adapters/__fixtures__/open-inference.json names them one by one. What they cannot show is
 * a real model's numbers and timing.
 */

export interface StandInTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** The elements, flat: of BYTES texts, or bytes where they came as such. */
  readonly data: readonly unknown[];
}

export interface StandInModel {
  readonly name: string;
  readonly inputs: readonly Omit<StandInTensor, 'data'>[];
  readonly outputs: readonly Omit<StandInTensor, 'data'>[];
  run(inputs: readonly StandInTensor[]): readonly StandInTensor[];
}

export type ModelState = 'READY' | 'LOADING' | 'UNAVAILABLE';

export interface OpenInferenceServer extends ModelServer {
  /** How many inferences ran. */
  readonly inferences: number;
  setState(state: ModelState, reason?: string): void;
  /** Does this with the next inference in place of running the model. */
  nextInference(behaviour: Behaviour): void;
  /** Makes the next inference go on for ever. Resolves when it has begun. */
  workForever(): Promise<unknown>;
}

export interface OpenInferenceOptions {
  readonly kind?: 'triton' | 'mlserver';
}

/** Starts a server of one model on a free port. */
export async function startOpenInferenceServer(
  model: StandInModel,
  { kind = 'triton' }: OpenInferenceOptions = {},
): Promise<OpenInferenceServer> {
  const server = await startModelServer();
  let state: ModelState = 'READY';
  let reason = '';
  let inferences = 0;
  const planned: Behaviour[] = [];
  const triton = kind === 'triton';
  const modelPath = `/v2/models/${model.name}`;
  const unknown = (status: number) =>
    json({ error: `Request for unknown model: '${model.name}' has no available versions` }, { status });
  /** What MLServer 1.7.1 was seen to say of a model that loads, and of one that it does not have loaded. */
  const absent = () =>
    state === 'LOADING'
      ? json({ error: `Model ${model.name} is not ready yet.` }, { status: 400 })
      : json({ error: `Model ${model.name} not found` }, { status: 404 });

  const infer: Behaviour = (response, request) => {
    if (state !== 'READY') return (triton ? unknown(404) : absent())(response, request);
    inferences += 1;
    const behaviour = planned.shift();
    if (behaviour) return behaviour(response, request);
    const call = readCall(request.bytes, request.headers['inference-header-content-length']);
    const known = model.inputs.map(({ name }) => name);
    const wrong = call.inputs.find(({ name }) => known.length > 0 && !known.includes(name));
    if (wrong) {
      const error = `[request id: ${call.id}] unexpected inference input '${wrong.name}' for model '${model.name}'`;
      return json({ error }, { status: 400 })(response, request);
    }
    writeAnswer(model, call, triton)(response, request);
  };

  const routes: Readonly<Record<string, () => Behaviour>> = {
    'GET /v2': () => json({ name: kind, version: '2', extensions: triton ? ['binary_tensor_data'] : [] }),
    'GET /v2/health/ready': () => text('', { status: state === 'LOADING' ? 400 : 200 }),
    'POST /v2/repository/index': () => {
      const seen = !triton && state === 'LOADING' ? 'UNKNOWN' : state;
      return json([{ name: model.name, version: '1', state: seen, reason }]);
    },
    [`POST /v2/repository/models/${model.name}/load`]: () => {
      state = 'READY';
      return text('');
    },
    [`GET ${modelPath}/ready`]: () => {
      if (state === 'READY') return text('');
      return triton ? json({ error: 'Model version not ready' }, { status: 400 }) : absent();
    },
    [`GET ${modelPath}`]: () => {
      if (state !== 'READY') return triton ? unknown(400) : absent();
      const { name, inputs, outputs } = model;
      return json({ name, versions: ['1'], platform: 'python', inputs, outputs });
    },
    [`POST ${modelPath}/infer`]: () => infer,
  };

  server.always((response, request) => {
    const path = request.path.replace('/versions/1', '');
    const route = routes[`${request.method} ${path}`];
    const behaviour =
      route?.() ??
      json({ error: `Request for unknown model: '${path.split('/')[3]}' is not found` }, { status: 404 });
    behaviour(response, request);
  });

  return Object.defineProperties(server, {
    inferences: { get: () => inferences },
    setState: {
      value(next: ModelState, why = '') {
        state = next;
        reason = why;
      },
    },
    nextInference: { value: (behaviour: Behaviour) => void planned.push(behaviour) },
    workForever: {
      value: () =>
        new Promise((resolve) => {
          planned.push((response, request) => {
            resolve(undefined);
            hang()(response, request);
          });
        }),
    },
  }) as OpenInferenceServer;
}

interface Call {
  readonly id: string;
  readonly inputs: readonly StandInTensor[];
  readonly outputs: readonly {
    readonly name: string;
    readonly parameters?: { readonly binary_data?: boolean };
  }[];
}

interface WrittenTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: readonly unknown[];
  readonly parameters?: { readonly binary_data_size?: number };
}

function readCall(bytes: Buffer, headerLength: string | string[] | undefined): Call {
  const length = headerLength === undefined ? bytes.length : Number(headerLength);
  const {
    id = '',
    inputs,
    outputs = [],
  } = JSON.parse(bytes.toString('utf8', 0, length), exactInteger) as {
    id?: string;
    inputs: readonly WrittenTensor[];
    outputs?: Call['outputs'];
  };
  let at = length;
  const read = inputs.map(({ name, datatype, shape, data, parameters }) => {
    const size = parameters?.binary_data_size;
    if (size === undefined) return { name, datatype, shape, data: data ?? [] };
    at += size;
    return { name, datatype, shape, data: fromBytes(datatype, bytes.subarray(at - size, at)) };
  });
  if (at !== bytes.length) throw new Error(`${bytes.length - at} bytes are left over`);
  return { id, outputs, inputs: read };
}

/** Reads a wide integer as it is written, as servers in C++ and Python do. */
function exactInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const isWide = typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
  return isWide && context?.source ? BigInt(context.source) : value;
}

function writeAnswer(model: StandInModel, { id, inputs, outputs }: Call, binary: boolean): Behaviour {
  const results = model.run(inputs);
  const wanted =
    outputs.length === 0 ? results : results.filter(({ name }) => outputs.some((one) => one.name === name));
  const parts: Buffer[] = [];
  const written = wanted.map(({ name, datatype, shape, data }) => {
    const asked = outputs.find((output) => output.name === name)?.parameters?.binary_data === true;
    if (!binary || !asked) return { name, datatype, shape, data: data.map(asJson) };
    const bytes = toBytes(datatype, data);
    parts.push(bytes);
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  const head = JSON.stringify({ id, model_name: model.name, model_version: '1', outputs: written });
  // A stand-in for JSON writers that know NaN and wide integers.
  const body = head.replaceAll(/"@(-?(?:\d+|NaN|Infinity))"/g, '$1');
  if (parts.length === 0) return text(body, { headers: { 'content-type': 'application/json' } });
  return (response) => {
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(Buffer.byteLength(body)),
    });
    response.end(Buffer.concat([Buffer.from(body), ...parts]));
  };
}

function asJson(element: unknown): unknown {
  if (typeof element === 'bigint') return `@${element}`;
  return typeof element === 'number' && !Number.isFinite(element) ? `@${element}` : element;
}

/** The size of an element, and how it is read and written. */
const layouts: Readonly<
  Record<string, [number, (at: Buffer) => unknown, (to: Buffer, value: unknown) => unknown]>
> = {
  BOOL: [1, (at) => at.readUInt8() === 1, (to, value) => to.writeUInt8(Number(value))],
  UINT8: [1, (at) => at.readUInt8(), (to, value) => to.writeUInt8(Number(value))],
  INT32: [4, (at) => at.readInt32LE(), (to, value) => to.writeInt32LE(Number(value))],
  INT64: [8, (at) => at.readBigInt64LE(), (to, value) => to.writeBigInt64LE(BigInt(String(value)))],
  FP16: [2, (at) => at.readUInt16LE(), (to, value) => to.writeUInt16LE(Number(value))],
  BF16: [2, (at) => at.readUInt16LE(), (to, value) => to.writeUInt16LE(Number(value))],
  FP32: [4, (at) => at.readFloatLE(), (to, value) => to.writeFloatLE(Number(value))],
  FP64: [8, (at) => at.readDoubleLE(), (to, value) => to.writeDoubleLE(Number(value))],
};

function fromBytes(datatype: string, bytes: Buffer): unknown[] {
  const elements: unknown[] = [];
  if (datatype === 'BYTES') {
    for (let at = 0; at < bytes.length; ) {
      const end = at + 4 + bytes.readUInt32LE(at);
      elements.push(bytes.subarray(at + 4, end));
      at = end;
    }
    return elements;
  }
  const [size, read] = layouts[datatype] ?? [1, () => undefined];
  for (let at = 0; at < bytes.length; at += size) elements.push(read(bytes.subarray(at)));
  return elements;
}

function toBytes(datatype: string, data: readonly unknown[]): Buffer {
  if (datatype === 'BYTES') {
    return Buffer.concat(
      data.map((element) => {
        const bytes = element instanceof Uint8Array ? Buffer.from(element) : Buffer.from(String(element));
        const length = Buffer.alloc(4);
        length.writeUInt32LE(bytes.length);
        return Buffer.concat([length, bytes]);
      }),
    );
  }
  const [size, , write] = layouts[datatype] ?? [1, undefined, () => undefined];
  const bytes = Buffer.alloc(size * data.length);
  for (const [index, element] of data.entries()) write(bytes.subarray(index * size), element);
  return bytes;
}
