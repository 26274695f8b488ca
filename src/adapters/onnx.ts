import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Adapter, AdapterContext, EndpointFault, Protocol } from '../contracts/adapter.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { ModelStatus } from '../contracts/readiness.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import { unlessAborted, wait } from '../lib/abort.ts';
import { type OnnxOptions, optionsSchema } from './onnx/options.ts';
import { isOnnxType } from './onnx/tensors.ts';
import { type ModelThread, startModelThread } from './onnx/thread.ts';
import type { WorkerSetup } from './onnx/worker.ts';
import { inferRows } from './shared/joined-rows.ts';
import { outputFaults } from './shared/output-options.ts';
import { mapTensors, type TensorMapping, wantedOutputs } from './shared/signature.ts';

/**
 * A model in an ONNX file, run in this process by ONNX Runtime on the CPU. `endpoint.url` is a `file:` URL relative to
 * the definition. Input properties go to the model inputs of the same name and the outputs come back by theirs, unless
 * the options say otherwise.
 */
export const onnxProtocol: Protocol = {
  name: 'onnx',
  // The constant is readonly all the way down, and a JSON copy is not.
  optionsSchema: JSON.parse(JSON.stringify(optionsSchema)),
  check: (definition) => [...urlFaults(definition), ...outputFaults(optionsOf(definition.endpoint.options))],
  checkBatching: () => [],
  create: (context) => createOnnxAdapter(context),
};

/** A load of the model, and what came of it. */
interface Model {
  readonly thread: ModelThread;
  readonly mapping: Promise<TensorMapping>;
  /** Resolves when the load has ended, well or not. */
  readonly settled: Promise<void>;
  status: ModelStatus;
}

export interface OnnxAdapterParts {
  /** Starts the thread that runs the model. */
  readonly startThread?: (setup: WorkerSetup) => ModelThread;
  /**
   * How long a probe waits for a model that is loading, in milliseconds. Most are loaded by then, and calls that come
   * meanwhile wait for the load rather than be turned away.
   */
  readonly loadGraceMs?: number;
}

/** Makes the adapter of one skill. The model is loaded at the first probe or call. */
export function createOnnxAdapter(
  { definition, options: checkedOptions, mapping: { request, response }, directory }: AdapterContext,
  { startThread = startModelThread, loadGraceMs = 2000 }: OnnxAdapterParts = {},
): Adapter {
  const options = optionsOf(checkedOptions);
  const setup: WorkerSetup = {
    path: fileURLToPath(modelUrl(definition, directory)),
    threads: options.threads,
    outputs: wantedOutputs(options),
  };
  let current: Model | undefined;
  let closed = false;

  function startModel(): Model {
    if (closed) throw new SkillgateError('model_not_ready', 'The skill was closed.', { mayHaveRun: false });
    const thread = startThread(setup);
    const mapping = thread.loaded.then((signature) => {
      try {
        return mapTensors(signature, options, isOnnxType);
      } catch (error) {
        throw new SkillgateError('model_not_ready', messageOf(error), { cause: error, mayHaveRun: false });
      }
    });
    const model: Model = {
      thread,
      mapping,
      settled: mapping.then(
        () => {
          model.status = { state: 'ready', reason: 'The model is loaded.' };
          // A thread that ends later has crashed: the next call or probe starts another.
          void thread.ended.then(() => {
            if (current === model) current = undefined;
          });
        },
        (error: unknown) => {
          model.status = { state: 'not_ready', reason: messageOf(error) };
          void thread.close();
        },
      ),
      status: { state: 'loading', reason: 'The model is being loaded.' },
    };
    return model;
  }

  async function loadedModel(signal: AbortSignal) {
    if (signal.aborted) throw signal.reason;
    // A load that failed is not repeated here: the next probe does it, so that calls cannot hammer it.
    current ??= startModel();
    const { thread, mapping } = current;
    return { run: thread.run, ...(await unlessAborted(mapping, signal)) };
  }

  const toBody = (input: JsonValue): JsonValue | Promise<JsonValue> => (request ? request(input) : input);

  const toOutput = (answer: JsonValue, input: JsonValue): JsonValue | Promise<JsonValue> =>
    response ? response(answer, input) : answer;

  return {
    async infer(attempt) {
      const { input, signal } = attempt;
      if (signal.aborted) throw signal.reason;
      const body = await toBody(input);
      const { run, encode, decode } = await loadedModel(signal);
      const { tensors, batchAdded } = encode(body);
      const outputs = await run(tensors, attempt);
      attempt.progressed();
      return toOutput(decode(outputs, batchAdded), input);
    },

    async inferBatch(attempt) {
      const { input: inputs, signal } = attempt;
      const { run, encode, decode, takesBatches } = await loadedModel(signal);
      return inferRows(inputs, {
        takesBatches,
        encode: async (input) => encode(await toBody(input)),
        async run(tensors) {
          const outputs = await run(tensors, attempt);
          attempt.progressed();
          return Object.entries(outputs).map(([name, tensor]) => ({ name, tensor }));
        },
        decode(outputs, batchAdded, input) {
          const tensors = Object.fromEntries(outputs.map(({ name, tensor }) => [name, tensor]));
          return toOutput(decode(tensors, batchAdded), input);
        },
      });
    },

    async probe(signal) {
      if (signal.aborted) throw signal.reason;
      if (!current || current.status.state === 'not_ready') current = startModel();
      const model = current;
      if (model.status.state === 'loading') await Promise.race([model.settled, wait(loadGraceMs, signal)]);
      return model.status;
    },

    async close() {
      closed = true;
      await current?.thread.close();
    },
  };
}

/** The options as their type: whoever makes an adapter has checked them against the schema from which the type comes. */
function optionsOf(checked: unknown): OnnxOptions {
  return checked as OnnxOptions;
}

function modelUrl({ endpoint }: SkillDefinition, directory: string): URL {
  return new URL(endpoint.url, pathToFileURL(`${directory}/`));
}

function urlFaults(definition: SkillDefinition): EndpointFault[] {
  const pointer = '/endpoint/url';
  if (!definition.endpoint.url.startsWith('file:')) {
    return [{ pointer, reason: 'must be a file: URL, relative to this definition' }];
  }
  try {
    fileURLToPath(modelUrl(definition, '/'));
    return [];
  } catch {
    return [{ pointer, reason: 'must name a file, as in file:../../models/model.onnx' }];
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
