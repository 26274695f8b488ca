import type { JsonObject, JsonSchema, JsonValue } from './json.ts';
import type { ModelStatus } from './readiness.ts';
import type { SkillDefinition } from './skill-definition.ts';
import type { Transport } from './transport.ts';

/** One attempt to get an answer out of a model. */
export interface Attempt {
  /** The skill's input, which fits the input schema. */
  readonly input: JsonValue;
  readonly requestId: string;
  readonly traceparent: string;
  /** Aborts when the attempt has taken too long, or when nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** Tells that the model was given its work: from here the first-byte limit runs. */
  sent(): void;
  /** Tells that a piece of the answer came: from here the between-bytes limit runs. */
  progressed(): void;
}

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

  /** Asks whether the model can be called, without an inference. Never throws for what the server says or does. */
  probe(signal: AbortSignal): Promise<ModelStatus>;

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
  create(context: AdapterContext): Adapter;
}

/** A fault in `endpoint`. */
export interface EndpointFault {
  /** JSON Pointer from the definition's root. */
  readonly pointer: string;
  readonly reason: string;
}
