import type { Attempt } from '../../contracts/adapter.ts';
import type { ModelStatus } from '../../contracts/readiness.ts';
import type { NamedTensor } from '../shared/joined-rows.ts';

/** What a server says of one tensor of a model. */
export interface TensorDescription {
  readonly name: string;
  readonly datatype: string;
  /** -1 for a dimension that varies. */
  readonly shape: readonly number[];
}

/** What a server says of a model. */
export interface ModelDescription {
  readonly inputs: readonly TensorDescription[];
  readonly outputs: readonly TensorDescription[];
  /** Whether tensors may travel as bytes. */
  readonly takesBinary: boolean;
}

/** Which tensors travel as bytes: none, the larger ones and those that JSON cannot carry, or all. */
export type BinaryUse = 'none' | 'large' | 'all';

export interface WantedOutput {
  readonly name: string;
  /** Whether it is better sent as bytes, where the server can. */
  readonly binary: boolean;
}

export interface InferenceRequest {
  readonly inputs: readonly NamedTensor[];
  /** The outputs that are asked for; none for all. */
  readonly outputs: readonly WantedOutput[];
  readonly binary: BinaryUse;
}

/** A model on a server of the Open Inference Protocol, over HTTP or gRPC. */
export interface InferenceServer {
  /** @throws SkillgateError `model_not_ready`, `upstream_error` and others, as `Transport.exchange` */
  describe(signal: AbortSignal): Promise<ModelDescription>;
  /**
   * Runs the model once.
   *
   * @throws SkillgateError, see `Adapter.infer`
   */
  infer(request: InferenceRequest, attempt: Attempt<unknown>): Promise<readonly NamedTensor[]>;
  /** Asks whether the model is ready. */
  ready(signal: AbortSignal): Promise<ModelStatus>;
  /** Has the server load the model, where it loads at a client's word (Triton's model repository extension). */
  load(signal: AbortSignal): Promise<void>;
}
