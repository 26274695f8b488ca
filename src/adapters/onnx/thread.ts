import { basename, extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Attempt } from '../../contracts/adapter.ts';
import { SkillgateError } from '../../contracts/errors.ts';
import type { ModelSignature, Tensors } from '../shared/signature.ts';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './worker.ts';

/** A model on a thread of its own, for as long as that thread lives. */
export interface ModelThread {
  /** The model's inputs and outputs, once it is loaded. Rejects with `model_not_ready` where it cannot be. */
  readonly loaded: Promise<ModelSignature>;
  /** Resolves when the thread has ended, for whatever reason. */
  readonly ended: Promise<void>;
  /**
   * Runs the model when its turn comes: `sent` is called then. A run that is aborted rejects at once with the
   * signal's reason. If it has not started it never will; if it has, it goes on to its end, since the runtime's
   * binding for Node.js cannot interrupt it (`RunOptions.terminate` is for WebAssembly only), and the next run waits.
   *
   * @throws SkillgateError `upstream_error`, or the signal's reason
   */
  run(tensors: Tensors, attempt: Pick<Attempt, 'signal' | 'sent'>): Promise<Tensors>;
  /** Ends the thread after the run at hand. */
  close(): Promise<void>;
}

/** A run that the thread has, waiting or under way. It stays on the list after an abort, until the thread is done with it. */
interface Run extends Pick<Attempt, 'signal' | 'sent'> {
  resolve(tensors: Tensors): void;
  reject(error: unknown): void;
}

const workerFile = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/**
 * Starts a thread and loads a model on it.
 *
 * @param entry the program of the thread
 */
export function startModelThread(setup: WorkerSetup, entry: URL = workerFile): ModelThread {
  const worker = new Worker(entry, { workerData: setup, name: `onnx ${basename(setup.path)}` });
  /** In the order in which the thread takes them; the first is the one that runs. */
  const runs = new Map<number, Run>();
  const {
    promise: loaded,
    resolve: resolveLoaded,
    reject: rejectLoaded,
  } = Promise.withResolvers<ModelSignature>();
  const { promise: ended, resolve: resolveEnded } = Promise.withResolvers<void>();
  let lastId = 0;
  let hasEnded = false;
  let cause: unknown;

  const post = (request: WorkerRequest, buffers: ArrayBuffer[] = []) => worker.postMessage(request, buffers);

  /** Takes a run off the list, and tells the one that becomes the first that its turn has come. */
  function finish(id: number): Run | undefined {
    const finished = runs.get(id);
    const [firstId] = runs.keys();
    runs.delete(id);
    const [first] = runs.values();
    if (firstId === id && first && !first.signal.aborted) first.sent();
    return finished;
  }

  worker.on('message', (reply: WorkerReply) => {
    if (reply.type === 'loaded') resolveLoaded(reply.model);
    else if (reply.type === 'load-failed') rejectLoaded(notReady(reply.reason));
    else if (reply.type === 'answer') finish(reply.id)?.resolve(reply.tensors);
    else if (reply.type === 'dropped') finish(reply.id);
    else finish(reply.id)?.reject(new SkillgateError('upstream_error', `The model failed: ${reply.reason}`));
  });
  worker.on('error', (error) => {
    cause = error;
  });
  worker.on('exit', () => {
    hasEnded = true;
    rejectLoaded(notReady('The thread of the model ended while the model was loading.', cause));
    for (const run of runs.values()) run.reject(threadEnded(cause));
    runs.clear();
    resolveEnded();
  });
  // Whoever waits for `loaded` has the rejection; nobody has to.
  loaded.catch(() => undefined);

  return {
    loaded,
    ended,
    run(tensors, attempt) {
      const { signal } = attempt;
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        if (hasEnded) return reject(threadEnded(cause));
        lastId += 1;
        const id = lastId;
        const onAbort = () => {
          reject(signal.reason);
          post({ type: 'drop', id });
        };
        const settled = () => signal.removeEventListener('abort', onAbort);
        signal.addEventListener('abort', onAbort, { once: true });
        runs.set(id, {
          signal,
          sent: () => attempt.sent(),
          resolve(outputs) {
            settled();
            resolve(outputs);
          },
          reject(error) {
            settled();
            reject(error);
          },
        });
        post({ type: 'run', id, tensors }, buffersOf(tensors));
        if (runs.size === 1) attempt.sent();
      });
    },
    async close() {
      // Not `worker.terminate()`: it aborts the whole process when it comes during a native run.
      if (!hasEnded) post({ type: 'close' });
      await ended;
    },
  };
}

/** What can be handed over rather than copied. */
function buffersOf(tensors: Tensors): ArrayBuffer[] {
  const buffers: ArrayBuffer[] = [];
  for (const { data } of Object.values(tensors)) {
    if (!Array.isArray(data) && data.buffer instanceof ArrayBuffer) buffers.push(data.buffer);
  }
  return buffers;
}

function notReady(reason: string, cause?: unknown): SkillgateError {
  return new SkillgateError('model_not_ready', reason, { cause, mayHaveRun: false });
}

function threadEnded(cause: unknown): SkillgateError {
  return new SkillgateError(
    'upstream_error',
    'The thread that ran the model ended. The next call starts it again.',
    {
      cause,
      retryable: true,
    },
  );
}
