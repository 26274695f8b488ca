import { fileURLToPath } from 'node:url';
import type { startModelThread } from '../../../src/adapters/onnx/thread.ts';
import { createOnnxAdapter, onnxProtocol } from '../../../src/adapters/onnx.ts';
import type { Adapter, AdapterContext, Attempt } from '../../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../../src/contracts/json.ts';
import type { SkillDefinition } from '../../../src/contracts/skill-definition.ts';

/** The folder of the small models that the tests run. */
export const modelFolder = fileURLToPath(new URL('../__fixtures__/onnx', import.meta.url));

/** A definition that points at an ONNX file, with the defaults filled in. */
export function makeDefinition(endpoint: { url: string; options?: JsonObject }): SkillDefinition {
  return {
    name: 'embedded',
    version: '1.0.0',
    description: 'An embedded model.',
    tags: [],
    annotations: {},
    input_schema: { type: 'object' },
    output_schema: {},
    endpoint: { protocol: 'onnx', method: 'POST', headers: {}, options: {}, ...endpoint },
    auth: { type: 'none' },
    timeouts: {
      connect_ms: 3000,
      tls_ms: 5000,
      first_byte_ms: 30_000,
      between_bytes_ms: 10_000,
      total_ms: 60_000,
    },
    retry: { max_attempts: 3, base_ms: 100, max_ms: 2000, idempotent: true },
    breaker: { failures: 5, reset_ms: 10_000 },
    concurrency: { max: 32, queue: 256, queue_ms: 10_000 },
    cache: { enabled: true, scope: 'shared' },
    warmup: [],
    readiness: { required: false, interval_ms: 10_000, wait: false, load: false },
    examples: [],
  };
}

export interface AdapterSetup {
  /** The file: URL of the model. */
  readonly url: string;
  readonly options?: JsonObject;
  readonly mapping?: AdapterContext['mapping'];
  readonly directory?: string;
  readonly startThread?: typeof startModelThread;
}

/** An adapter for a model file; whoever makes it closes it. */
export function makeAdapter({
  url,
  options = {},
  mapping = {},
  directory = modelFolder,
  startThread,
}: AdapterSetup): Adapter {
  const context: AdapterContext = {
    definition: makeDefinition({ url, options }),
    options,
    mapping,
    directory,
    validateOutput: () => [],
    transport: {
      exchange: () => Promise.reject(new Error('an embedded model is not reached over HTTP')),
      call: () => Promise.reject(new Error('an embedded model is not reached over gRPC')),
      reach: () => Promise.reject(new Error('an embedded model is not reached over HTTP')),
    },
  };
  return startThread ? createOnnxAdapter(context, startThread) : onnxProtocol.create(context);
}

/** An attempt that writes down what it is told. */
export interface RecordedAttempt extends Attempt {
  readonly told: readonly ('sent' | 'progressed')[];
}

export function makeAttempt(input: JsonValue, signal = new AbortController().signal): RecordedAttempt {
  const told: ('sent' | 'progressed')[] = [];
  return {
    input,
    requestId: 'request-1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
    signal,
    told,
    sent: () => told.push('sent'),
    progressed: () => told.push('progressed'),
  };
}
