import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from './listen.ts';
import { readTensors, StatusError, type TensorInputs, writeTensorflowJson } from './tensorflow-json.ts';

/*
 * A stand-in for TensorFlow Serving, whose binary no package registry offers. Routes, status codes, error texts and
 * the form of the JSON follow the server's own sources (http_rest_api_handler.cc, json_tensor.cc,
 * get_model_status_impl.cc) and its RESTful API page. What it cannot show is a real model's numbers and timing.
 */

export type VersionState = 'START' | 'LOADING' | 'AVAILABLE' | 'UNLOADING' | 'END';

/** A signature of a model. Its function gets all examples at once, as a model does, and answers one row for each. */
export type Signature =
  | {
      readonly method: 'predict';
      /** The names of the inputs with their data types. */
      readonly inputs: TensorInputs;
      /** Gives the outputs by name, each with the batch dimension first. */
      run(rows: readonly Readonly<Record<string, unknown>>[]): Readonly<Record<string, readonly unknown[]>>;
    }
  | {
      readonly method: 'classify';
      run(
        examples: readonly Readonly<Record<string, unknown>>[],
      ): readonly (readonly [label: string, score: number])[][];
    }
  | {
      readonly method: 'regress';
      run(examples: readonly Readonly<Record<string, unknown>>[]): readonly number[];
    };

export interface StandInModel {
  /** The signatures of every version by name; `serving_default` is the one that is called without a name. */
  readonly signatures: Readonly<Record<string, Signature>>;
  /** The states of the versions by number; version 1 is available unless said otherwise. */
  readonly versions?: Readonly<Record<string, VersionState>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** The signatures as `…/metadata` tells them (SignatureDefMap in protobuf's JSON). */
  readonly signatureDefs?: Readonly<Record<string, unknown>>;
}

export interface TensorflowServing {
  readonly url: string;
  /** Every request: method, path and body. */
  readonly requests: readonly { readonly method: string; readonly path: string; readonly body: string }[];
  /** How many inferences ran. */
  readonly inferences: number;
  /** Changes the state of a version; END with an error is a load that failed. */
  setState(
    model: string,
    version: string,
    state: VersionState,
    error?: { code: string; message: string },
  ): void;
  /** Answers the next request with this error. */
  failNext(code: keyof typeof httpStatuses, message: string): void;
  close(): Promise<void>;
}

const onlyVersion: Readonly<Record<string, VersionState>> = { 1: 'AVAILABLE' };

/** How a gRPC status becomes an HTTP status. */
const httpStatuses = {
  INVALID_ARGUMENT: 400,
  NOT_FOUND: 404,
  RESOURCE_EXHAUSTED: 429,
  INTERNAL: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const;

interface VersionStatus {
  state: VersionState;
  code: string;
  message: string;
}

const inferPath =
  /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+)|\/labels\/([^/:]+))?:(classify|regress|predict)$/;
const metadataPath = /^\/v1\/models\/([^/:]+)(?:\/versions\/(\d+))?\/metadata$/;
const statusPath = /^\/v1\/models(?:\/([^/:]+))?(?:\/versions\/(\d+)|\/labels\/([^/:]+))?$/;

/** Starts the stand-in on a free port of 127.0.0.1. */
export async function startTensorflowServing(
  models: Readonly<Record<string, StandInModel>>,
): Promise<TensorflowServing> {
  const requests: { method: string; path: string; body: string }[] = [];
  const statuses = new Map<string, Map<string, VersionStatus>>();
  for (const [name, { versions = onlyVersion }] of Object.entries(models)) {
    const states = Object.entries(versions).map(([version, state]): [string, VersionStatus] => [
      version,
      { state, code: 'OK', message: '' },
    ]);
    statuses.set(name, new Map(states));
  }
  let inferences = 0;
  let failure: StatusError | undefined;

  function versionOf(
    model: string,
    version: string | undefined,
    label: string | undefined,
  ): string | undefined {
    if (label === undefined) return version;
    const labelled = models[model]?.labels?.[label];
    if (labelled === undefined) {
      throw new StatusError('INVALID_ARGUMENT', `Unrecognized servable version label: ${label}`);
    }
    return labelled;
  }

  function answerStatus(model: string | undefined, version?: string): string {
    if (model === undefined) throw new StatusError('INVALID_ARGUMENT', 'Missing model name in request.');
    const known = [...(statuses.get(model) ?? [])].filter(
      ([number]) => version === undefined || number === version,
    );
    if (known.length === 0) {
      const what = version === undefined ? 'any versions' : `version ${version}`;
      throw new StatusError('NOT_FOUND', `Could not find ${what} of model ${model}`);
    }
    return writeTensorflowJson({
      model_version_status: known.map(([number, { state, code, message }]) => ({
        version: number,
        state,
        status: { error_code: code, error_message: message },
      })),
    });
  }

  /** The metadata of a model that is loaded (get_model_metadata_impl.cc). */
  function answerMetadata(name: string, version: string | undefined): string {
    const available = [...(statuses.get(name) ?? [])].filter(([, { state }]) => state === 'AVAILABLE');
    const found = available.map(([number]) => number).find((number) => (version ?? number) === number);
    if (found === undefined) {
      const asked = version === undefined ? `Latest(${name})` : `Specific(${name}, ${version})`;
      throw new StatusError('NOT_FOUND', `Servable not found for request: ${asked}`);
    }
    const signature_def = { signature_def: models[name]?.signatureDefs ?? {} };
    return JSON.stringify({
      model_spec: { name, signature_name: '', version: found },
      metadata: { signature_def },
    });
  }

  function answerInference(name: string, version: string | undefined, method: string, body: string): string {
    const model = models[name];
    const available = [...(statuses.get(name) ?? [])].filter(([, { state }]) => state === 'AVAILABLE');
    if (!model || !available.some(([number]) => version === undefined || number === version)) {
      const asked = version === undefined ? `Latest(${name})` : `Specific(${name}, ${version})`;
      throw new StatusError('NOT_FOUND', `Servable not found for request: ${asked}`);
    }
    const request = readTensors(body);
    const signature = model.signatures[request.signatureName];
    if (signature === undefined) {
      const message = `Serving signature name: "${request.signatureName}" not found in signature def`;
      throw new StatusError('INVALID_ARGUMENT', message);
    }
    if (signature.method !== method) {
      const message = `Expected ${method} signature method_name to be tensorflow/serving/${method}`;
      throw new StatusError('INVALID_ARGUMENT', message);
    }
    inferences += 1;
    if (signature.method !== 'predict')
      return writeTensorflowJson({ results: signature.run(request.examples()) });
    const { rows, columnar } = request.predictInputs(signature.inputs);
    const outputs = signature.run(rows);
    const [only, ...others] = Object.values(outputs);
    if (columnar) return writeTensorflowJson({ outputs: others.length > 0 ? outputs : only });
    const named = rows.map((_row, index) =>
      Object.fromEntries(Object.entries(outputs).map(([output, values]) => [output, values[index]])),
    );
    return writeTensorflowJson({ predictions: others.length > 0 ? named : only });
  }

  function answer(method: string, path: string, body: string): string {
    const planned = failure;
    failure = undefined;
    if (planned) throw planned;
    const infer = method === 'POST' ? inferPath.exec(path) : null;
    if (infer) {
      const [, model = '', version, label, verb = ''] = infer;
      return answerInference(model, versionOf(model, version, label), verb, body);
    }
    const metadata = method === 'GET' ? metadataPath.exec(path) : null;
    if (metadata) return answerMetadata(metadata[1] ?? '', metadata[2]);
    const status = method === 'GET' ? statusPath.exec(path) : null;
    if (status) {
      const [, model, version, label] = status;
      return answerStatus(model, versionOf(model ?? '', version, label));
    }
    throw new StatusError('INVALID_ARGUMENT', `Malformed request: ${method} ${path}`);
  }

  async function onRequest(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method = '', url = '' } = incoming;
    const body = Buffer.concat(chunks).toString();
    requests.push({ method, path: url, body });
    response.setHeader('content-type', 'application/json');
    try {
      response.end(answer(method, url, body));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      response.statusCode = httpStatuses[error.code];
      response.end(`{ "error": ${JSON.stringify(error.message)} }`);
    }
  }

  const { port, close } = await listen(createServer(onRequest));
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    get inferences() {
      return inferences;
    },
    setState(model, version, state, error = { code: 'OK', message: '' }) {
      statuses.get(model)?.set(version, { state, ...error });
    },
    failNext(code, message) {
      failure = new StatusError(code, message);
    },
    close,
  };
}
