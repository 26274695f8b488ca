/**
 * The thread that runs one ONNX model. onnxruntime-node computes on the very thread that calls it, so the model has a
 * thread of its own, and the gateway's event loop stays free. Runs take turns, one at a time.
 */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { basename, dirname, sep } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type * as Ort from 'onnxruntime-node';
import type { ModelSignature, ModelValue, Tensors } from '../shared/signature.ts';
import type { TensorData } from '../shared/tensors.ts';
import { isOnnxTensor, isOnnxType } from './tensors.ts';

/** What the worker is started with. */
export interface WorkerSetup {
  /** Absolute path of the model file. */
  readonly path: string;
  /** Processor threads that one run may use. */
  readonly threads: number;
  /** The model outputs to compute; undefined for every tensor. */
  readonly outputs: readonly string[] | undefined;
}

/** From the main thread to the worker. */
export type WorkerRequest =
  | { readonly type: 'run'; readonly id: number; readonly tensors: Tensors }
  /** Nobody waits for this run any more: it need not start. */
  | { readonly type: 'drop'; readonly id: number }
  /** Ends the worker after the runs that it has. */
  | { readonly type: 'close' };

/** From the worker to the main thread. Texts are the runtime's own, less the paths of this machine. */
export type WorkerReply =
  | { readonly type: 'loaded'; readonly model: ModelSignature }
  | { readonly type: 'load-failed'; readonly reason: string }
  | { readonly type: 'answer'; readonly id: number; readonly tensors: Tensors }
  | { readonly type: 'dropped'; readonly id: number }
  | { readonly type: 'run-failed'; readonly id: number; readonly reason: string };

if (!parentPort) throw new Error('This file runs as a worker thread.');
await main(parentPort, workerData);

interface LoadedModel {
  readonly runtime: typeof Ort;
  readonly session: Ort.InferenceSession;
  /** The outputs to compute. */
  readonly wanted: readonly string[];
}

async function main(port: MessagePort, setup: WorkerSetup): Promise<void> {
  const reply = (message: WorkerReply) => port.postMessage(message);
  const explain = createExplainer(setup.path);
  let model: LoadedModel;
  try {
    model = await load(setup);
  } catch (error) {
    reply({ type: 'load-failed', reason: explain(error) });
    return;
  }
  const { inputMetadata, outputMetadata } = model.session;
  reply({
    type: 'loaded',
    model: { inputs: inputMetadata.map(toValue), outputs: outputMetadata.map(toValue) },
  });

  const waiting = new Map<number, Tensors>();
  let working = false;
  let closing = false;

  async function work(): Promise<void> {
    working = true;
    for (const [id, tensors] of waiting) {
      waiting.delete(id);
      try {
        reply({ type: 'answer', id, tensors: await run(model, tensors) });
      } catch (error) {
        reply({ type: 'run-failed', id, reason: explain(error) });
      }
      // Messages that came while the model ran are read here, so that a run that nobody waits for does not start.
      await nextTurn();
    }
    working = false;
    if (closing) await close();
  }

  async function close(): Promise<void> {
    await model.session.release();
    port.close();
  }

  port.on('message', (request: WorkerRequest) => {
    if (request.type === 'drop') {
      if (waiting.delete(request.id)) reply({ type: 'dropped', id: request.id });
      return;
    }
    if (request.type === 'run') waiting.set(request.id, request.tensors);
    if (request.type === 'close') closing = true;
    if (!working) void work();
  });
}

/** @throws Error where the runtime or the model cannot be loaded */
async function load(setup: WorkerSetup): Promise<LoadedModel> {
  const runtime = await import('onnxruntime-node').catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
    throw new Error(`The ONNX runtime cannot be loaded on ${process.platform} ${process.arch}${code}.`);
  });
  accessSync(setup.path, constants.R_OK);
  // The runtime would log to the process's own stderr, past the gateway's logger. What goes wrong is thrown as well.
  runtime.env.logLevel = 'fatal';
  const session = await runtime.InferenceSession.create(setup.path, {
    executionProviders: ['cpu'],
    intraOpNumThreads: setup.threads,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const carried = session.outputMetadata.filter((value) => value.isTensor && isOnnxType(value.type));
  return { runtime, session, wanted: setup.outputs ?? carried.map(({ name }) => name) };
}

async function run({ runtime, session, wanted }: LoadedModel, tensors: Tensors): Promise<Tensors> {
  const feeds: Record<string, Ort.Tensor> = {};
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!isOnnxTensor(tensor)) throw new TypeError(`the runtime takes no tensor of ${tensor.type}`);
    feeds[name] = new runtime.Tensor(tensor.type, tensor.data, tensor.dims);
  }
  const values = await session.run(feeds, wanted);
  const outputs: Record<string, TensorData> = {};
  for (const [name, { type, data, dims }] of Object.entries(values)) {
    if (isOnnxType(type)) outputs[name] = { type, data, dims };
  }
  return outputs;
}

function toValue(value: Ort.InferenceSession.ValueMetadata): ModelValue {
  const { name } = value;
  return value.isTensor
    ? { name, type: value.type, shape: value.shape }
    : { name, type: undefined, shape: [] };
}

/** Makes a function that says what went wrong in one line that tells nothing of this machine's folders. */
function createExplainer(path: string): (error: unknown) => string {
  const file = basename(path);
  // The runtime follows links, and tells of the folders that it comes to.
  const folders = [dirname(path), ...(existsSync(path) ? [dirname(realpathSync(path))] : [])];
  return (error) => {
    if (!(error instanceof Error)) return String(error);
    if ('code' in error && error.code === 'ENOENT') return `The model file ${file} does not exist.`;
    if ('code' in error && error.code === 'EACCES') return `The model file ${file} may not be read.`;
    const [line = ''] = error.message.split('\n', 1);
    const text = folders.reduce(
      (rest, folder) => rest.replaceAll(folder + sep, '').replaceAll(folder, '.'),
      line,
    );
    return text.slice(0, 500);
  };
}
