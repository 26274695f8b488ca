import { fileURLToPath } from 'node:url';
import { createOnnxAdapter, type OnnxAdapterParts } from '../../../src/adapters/onnx.ts';
import type { Adapter, AdapterContext } from '../../../src/contracts/adapter.ts';
import type { JsonObject } from '../../../src/contracts/json.ts';
import { createDefinition } from '../adapter-under-test.ts';

/** The folder of the small models that the tests run. */
export const modelFolder = fileURLToPath(new URL('../__fixtures__/onnx', import.meta.url));

export interface AdapterSetup extends OnnxAdapterParts {
  /** The file: URL of the model. */
  readonly url: string;
  readonly options?: JsonObject;
  readonly mapping?: AdapterContext['mapping'];
  readonly directory?: string;
}

/** An adapter for a model file; whoever makes it closes it. */
export function makeAdapter({
  url,
  options: given = {},
  mapping = {},
  directory = modelFolder,
  ...parts
}: AdapterSetup): Adapter {
  const options = { inputs: {}, threads: 1, ...given };
  const context: AdapterContext = {
    definition: createDefinition({ protocol: 'onnx', url, options }),
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
  return createOnnxAdapter(context, parts);
}
