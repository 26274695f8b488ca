import { status } from '@grpc/grpc-js';
import { type GrpcServer, type GrpcServerOptions, GrpcStatus, startGrpcServer } from './grpc-server.ts';
import type { ModelState } from './open-inference.ts';

/*
 * A stand-in for a server of the Open Inference Protocol over gRPC, with one model `double` that doubles FP32 `x` into
 * `y`. Triton answers in raw_output_contents, MLServer in the contents of each tensor.
 */

interface InferRequest {
  readonly model_name: string;
  readonly id: string;
  readonly inputs: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly string[];
  }[];
  readonly raw_input_contents: readonly Buffer[];
}

export interface OpenInferenceGrpcServer extends GrpcServer {
  readonly inferences: number;
  setState(state: ModelState): void;
  /** Answers the next inference so; undefined never answers. */
  nextInference(answer: (() => Readonly<Record<string, unknown>>) | undefined): void;
}

const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 3] });

export async function startOpenInferenceGrpcServer({
  kind = 'triton',
  credentials,
}: { readonly kind?: 'triton' | 'mlserver' } & Pick<
  GrpcServerOptions,
  'credentials'
> = {}): Promise<OpenInferenceGrpcServer> {
  let state: ModelState = 'READY';
  let inferences = 0;
  const planned: ((() => Readonly<Record<string, unknown>>) | undefined)[] = [];

  function requireReady(name: string): void {
    if (name !== 'double')
      throw new GrpcStatus(status.NOT_FOUND, `Request for unknown model: '${name}' is not found`);
    if (state === 'READY') return;
    if (kind === 'triton') {
      throw new GrpcStatus(
        status.UNAVAILABLE,
        "Request for unknown model: 'double' has no available versions",
      );
    }
    throw state === 'LOADING'
      ? new GrpcStatus(status.INVALID_ARGUMENT, 'Model double with version is not ready yet.')
      : new GrpcStatus(status.NOT_FOUND, 'Model double with version not found');
  }

  function infer({ id, inputs, raw_input_contents: raw }: InferRequest): Readonly<Record<string, unknown>> {
    const numbers = Array.from(
      { length: (raw[0]?.length ?? 0) / 4 },
      (_, index) => 2 * (raw[0]?.readFloatLE(index * 4) ?? 0),
    );
    const y = { name: 'y', datatype: 'FP32', shape: inputs[0]?.shape ?? [] };
    const head = { model_name: 'double', model_version: '1', id };
    if (kind === 'mlserver') return { ...head, outputs: [{ ...y, contents: { fp32_contents: numbers } }] };
    const bytes = Buffer.alloc(numbers.length * 4);
    for (const [index, number] of numbers.entries()) bytes.writeFloatLE(number, index * 4);
    return { ...head, outputs: [y], raw_output_contents: [bytes] };
  }

  const server = await startGrpcServer({
    proto: 'inference.proto',
    ...(credentials && { credentials }),
    services: {
      'inference.GRPCInferenceService': {
        ServerReady: () => ({ ready: state !== 'LOADING' }),
        ModelReady: () => ({ ready: state === 'READY' }),
        ModelMetadata({ request }) {
          requireReady((request as { readonly name: string }).name);
          return {
            name: 'double',
            versions: ['1'],
            platform: 'python',
            inputs: [tensor('x')],
            outputs: [tensor('y')],
          };
        },
        ModelInfer({ request }) {
          const call = request as InferRequest;
          requireReady(call.model_name);
          inferences += 1;
          if (planned.length === 0) return infer(call);
          return planned.shift()?.();
        },
        RepositoryIndex() {
          // As MLServer 1.7.1 was seen to write its states.
          const seen = kind === 'triton' ? state : `State.${state === 'LOADING' ? 'UNKNOWN' : state}`;
          return { models: [{ name: 'double', version: '1', state: seen }] };
        },
        RepositoryModelLoad() {
          state = 'READY';
          return {};
        },
      },
    },
  });
  return {
    ...server,
    get inferences() {
      return inferences;
    },
    setState(next) {
      state = next;
    },
    nextInference: (answer) => void planned.push(answer),
  };
}
