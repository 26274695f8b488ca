import type { SchemaFault, SkillgateError } from './errors.ts';
import type { JsonObject, JsonSchema, JsonValue } from './json.ts';
import type { ModelStatus } from './readiness.ts';
import type { SkillDefinition } from './skill-definition.ts';
import type { Transport } from './transport.ts';

/** One attempt to get an answer out of a model. */
export interface Attempt<Input = JsonValue> {
  /** The skill's input, which fits the input schema; of a batch, one a row. */
  readonly input: Input;
  readonly requestId: string;
  readonly traceparent: string;
  /** Aborts when the attempt has taken too long, or when nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** Tells that the model was given its work: from here the first-byte limit runs. */
  sent(): void;
  /** Tells that a piece of the answer came: from here the between-bytes limit runs. */
  progressed(): void;
}

/** What became of one row of a batch: the skill's output, or why there is none. */
export type RowResult = JsonValue | SkillgateError;

/** A model server, or a model in this process, as one skill sees it. */
export interface Adapter {
  /**
   * Runs the model once. Retries, limits and validation are the policies' work.
   *
   * @returns the skill's output, not yet validated
   * @throws SkillgateError `upstream_error`, `upstream_unauthorized`, `upstream_timeout`, `model_not_ready`,
   *   `invalid_input` where the value fits the schema and no tensor of the model, such as a ragged array
   */
  infer(attempt: Attempt): Promise<JsonValue>;

  /**
   * Runs the model once on several inputs. There is at least one; one alone costs no more than `infer`. A row that can
   * be told to be bad before or after the run is an error in its own place. A batch that the model refuses as a whole is
   * thrown: the batching policy sends its halves again, and so finds the row that spoils it.
   *
   * Absent where the protocol takes no batches; then `Protocol.checkBatching` is absent too.
   *
   * @returns in the order of the inputs, one for each
   * @throws SkillgateError as `infer`
   */
  inferBatch?(attempt: Attempt<readonly JsonValue[]>): Promise<readonly RowResult[]>;

  /** Asks whether the model can be called, without an inference. Never throws for what the server says or does. */
  probe(signal: AbortSignal): Promise<ModelStatus>;

  /**
   * Has the server load the model, and resolves when it has: for servers that load at a client's word. Called once for
   * all the calls that wait for it, where the definition has `readiness.load`. Absent where the protocol has no word
   * for it.
   *
   * @throws SkillgateError `model_not_ready` with the server's reason, `upstream_error`, `upstream_unauthorized`
   */
  load?(signal: AbortSignal): Promise<void>;

  /** Releases what this adapter alone holds. */
  close(): Promise<void>;
}

/** The definition's JSONata expressions, compiled. Where one is absent the protocol's own mapping holds. */
export interface Mapping {
  /** Skill input → request body. */
  readonly request?: (input: JsonValue) => Promise<JsonValue>;
  /** Response body → skill output. */
  readonly response?: (body: JsonValue, input: JsonValue) => Promise<JsonValue>;
}

/** What an adapter is made of. */
export interface AdapterContext {
  readonly definition: SkillDefinition;
  /** `endpoint.options`, checked against the protocol's schema, defaults filled in. */
  readonly options: JsonObject;
  readonly mapping: Mapping;
  /** What is wrong with an output, by the output schema: for a model that can be asked to mend its answer. */
  readonly validateOutput: (output: JsonValue) => readonly SchemaFault[];
  /** The way to the model server, with the skill's credentials and limits. */
  readonly transport: Transport;
  /** The folder that holds the definition, for `file:` URLs. */
  readonly directory: string;
}

/** A model-server protocol. */
export interface Protocol {
  /** The value of `endpoint.protocol`. */
  readonly name: string;
  /** JSON Schema of `endpoint.options`; its root is an object. */
  readonly optionsSchema: JsonSchema;
  /** Faults in a definition that the schemas cannot see, as text; empty where there are none. */
  check?(definition: SkillDefinition): readonly EndpointFault[];
  /**
   * Faults in a definition that has `batching`, such as an option that leaves no room for rows. Absent where the
   * protocol takes no batches: then `batching` itself is the fault.
   */
  checkBatching?(definition: SkillDefinition): readonly EndpointFault[];
  create(context: AdapterContext): Adapter;
}

/** A fault in `endpoint`, or in what else a protocol has a say in. */
export interface EndpointFault {
  /** JSON Pointer from the definition's root. */
  readonly pointer: string;
  readonly reason: string;
}
