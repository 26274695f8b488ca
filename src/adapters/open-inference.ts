import type {
  Adapter,
  AdapterContext,
  Attempt,
  EndpointFault,
  Protocol,
  RowResult,
} from '../contracts/adapter.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { ModelStatus } from '../contracts/readiness.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import { createGrpcServer } from './open-inference/grpc.ts';
import { createModel, type Model } from './open-inference/model.ts';
import { type OpenInferenceOptions, optionsOf, optionsSchema } from './open-inference/options.ts';
import { createRestServer } from './open-inference/rest.ts';

import { endpointFaults } from './shared/endpoint.ts';
import { isGrpc } from './shared/grpc.ts';
import { inferRows, type NamedTensor } from './shared/joined-rows.ts';
import { createLookup } from './shared/lookup.ts';
import { outputFaults } from './shared/output-options.ts';
import type { Tensors } from './shared/signature.ts';
import { probing } from './shared/upstream-answer.ts';

/**
 * The Open Inference Protocol, version 2: Triton, MLServer, KServe, OpenVINO Model Server. `endpoint.url` is the server,
 * `endpoint.model` the model. Properties become typed tensors by the model's own metadata, and tensors become
 * properties; see docs/protocols.md.
 */
export const openInferenceProtocol: Protocol = {
  name: 'open-inference',
  // The constant is readonly all the way down, and a JSON copy is not.
  optionsSchema: JSON.parse(JSON.stringify(optionsSchema)),
  check: checkDefinition,
  // Whether the model leaves its first dimension open is known at run time only; where it does not, rows go alone.
  checkBatching: () => [],
  create: createOpenInferenceAdapter,
};

function checkDefinition(definition: SkillDefinition): readonly EndpointFault[] {
  const { model, model_version: version, options } = definition.endpoint;
  const { outputs }: Partial<OpenInferenceOptions> = optionsOf(options);
  const faults = [...endpointFaults(definition, { grpc: true }), ...outputFaults({ outputs })];
  const add = (pointer: string, reason: string): void => {
    faults.push({ pointer: `/endpoint${pointer}`, reason });
  };
  if (/\/v2\/models\b/.test(definition.endpoint.url)) {
    add('/url', 'has to be the server, such as http://localhost:8000: the model goes into /endpoint/model');
  }
  if (model === undefined) add('', 'has to name the model on the server, in `model`');
  if (version !== undefined && /[/?#]/.test(version)) add('/model_version', 'must not contain /, ? or #');
  return faults;
}

function createOpenInferenceAdapter(context: AdapterContext): Adapter {
  const { definition, mapping } = context;
  const options = optionsOf(context.options);
  const isOverGrpc = isGrpc(definition.endpoint.url);
  const server = isOverGrpc ? createGrpcServer(context, options) : createRestServer(context, options);
  const lookup = createLookup(async (signal): Promise<Model> => {
    const description = await server.describe(signal);
    try {
      return createModel(description, options);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      throw new SkillgateError('model_not_ready', error.message, {
        cause: error,
        retryable: false,
        mayHaveRun: false,
      });
    }
  }, definition.timeouts.first_byte_ms);

  const toBody = (input: JsonValue): JsonValue | Promise<JsonValue> =>
    mapping.request ? mapping.request(input) : input;

  const toOutput = (answer: JsonValue, input: JsonValue): JsonValue | Promise<JsonValue> =>
    mapping.response ? mapping.response(answer, input) : answer;

  /** Runs the model on tensors. */
  async function run(
    model: Model,
    tensors: Tensors,
    attempt: Attempt<unknown>,
  ): Promise<readonly NamedTensor[]> {
    const inputs = Object.entries(tensors).map(([name, tensor]) => ({ name, tensor }));
    try {
      return await server.infer({ inputs, outputs: model.outputs, binary: model.binary }, attempt);
    } catch (error) {
      // A server that refuses may have another model by now, with other tensors.
      if (error instanceof SkillgateError && error.upstreamStatus !== undefined) lookup.forget();
      throw error;
    }
  }

  async function infer(attempt: Attempt): Promise<JsonValue> {
    const { input, signal } = attempt;
    signal.throwIfAborted();
    const body = await toBody(input);
    const model = await lookup.get(signal);
    const { tensors, batchAdded } = model.encode(body);
    return toOutput(model.decode(await run(model, tensors, attempt), batchAdded), input);
  }

  async function inferBatch(attempt: Attempt<readonly JsonValue[]>): Promise<readonly RowResult[]> {
    const { input: inputs, signal } = attempt;
    signal.throwIfAborted();
    const model = await lookup.get(signal);
    return inferRows(inputs, {
      takesBatches: model.takesBatches,
      encode: async (input) => model.encode(await toBody(input)),
      run: (tensors) => run(model, tensors, attempt),
      decode: (outputs, batchAdded, input) => toOutput(model.decode(outputs, batchAdded), input),
    });
  }

  /** Ready lies: Triton goes on saying so of a model that was unloaded. Its metadata does not. */
  async function probe(signal: AbortSignal): Promise<ModelStatus> {
    const status = await server.ready(signal);
    if (status.state !== 'ready') {
      lookup.forget();
      return status;
    }
    try {
      await lookup.get(signal);
      return status;
    } catch (error) {
      if (!(error instanceof SkillgateError) || error.code !== 'model_not_ready') throw error;
      return { state: 'not_ready', reason: error.message };
    }
  }

  return {
    infer,
    inferBatch,
    probe: (signal) => probing(signal, () => probe(signal)),
    load: (signal) => server.load(signal),
    async close() {
      lookup.close();
    },
  };
}
