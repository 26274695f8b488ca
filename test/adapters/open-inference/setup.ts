import { onTestFinished } from 'vitest';
import { openInferenceProtocol } from '../../../src/adapters/open-inference.ts';
import type { Adapter } from '../../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../../src/contracts/json.ts';
import { createAttempt } from '../../attempt.ts';
import {
  type OpenInferenceServer,
  type StandInModel,
  type StandInTensor,
  startOpenInferenceServer,
} from '../../servers/open-inference.ts';
import { type AdapterOptions, createAdapter } from '../adapter-under-test.ts';

export type Description = StandInModel['inputs'][number];

export const x: Description = { name: 'x', datatype: 'FP32', shape: [-1, 3] };

/** A model that gives its first input back as `y`, and counts what came. */
export function echo(
  input: Description,
  output: Partial<Description> = {},
): StandInModel & { got: StandInTensor[] } {
  const got: StandInTensor[] = [];
  return {
    got,
    name: 'double',
    inputs: [input],
    outputs: [{ ...input, name: 'y', ...output }],
    run(inputs) {
      got.push(...inputs);
      return inputs.slice(0, 1).map((tensor) => ({ ...tensor, name: 'y', ...output, shape: tensor.shape }));
    },
  };
}

export interface Setup {
  readonly server: OpenInferenceServer;
  readonly adapter: Adapter;
  infer(input: JsonValue): Promise<JsonValue>;
}

export async function setUp(
  model: StandInModel,
  options: JsonObject = {},
  more: AdapterOptions & { readonly kind?: 'triton' | 'mlserver'; readonly version?: string } = {},
): Promise<Setup> {
  const { kind = 'triton', version, ...rest } = more;
  const server = await startOpenInferenceServer(model, { kind });
  const adapter = createAdapter(
    openInferenceProtocol,
    {
      url: server.url,
      model: 'double',
      ...(version !== undefined && { model_version: version }),
      options: { inputs: {}, binary: 'auto', ...options },
    },
    rest,
  );
  onTestFinished(async () => {
    await adapter.close();
    await server.close();
  });
  return { server, adapter, infer: (input) => adapter.infer(createAttempt(input)) };
}

/** The inference requests, in their order. */
export function calls(server: OpenInferenceServer) {
  return server.requests.filter(({ path }) => path.endsWith('/infer'));
}
