import type { Mapping } from './adapter.ts';
import type { SchemaFault } from './errors.ts';
import type { Answer } from './invocation.ts';
import type { JsonSchema, JsonValue } from './json.ts';
import type { SkillGauges, SkillMeter } from './meter.ts';
import type { Handler } from './pipeline.ts';
import type { ReadinessView } from './readiness.ts';
import type { SkillDefinition } from './skill-definition.ts';

/** Checks a value against a schema: every fault that is worth telling, none where the value fits. */
export type Validate = (value: JsonValue) => readonly SchemaFault[];

/** The schemas of a skill as tools have them on Claude's side: without references, and objects at their roots. */
export interface ToolSchemas {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  /** Whether the output need not be an object, so that tools show it as `{"result": output}`. */
  readonly wrapsOutput: boolean;
}

/** A definition that was checked, and all that can be compiled from it without reaching anything. */
export interface CompiledSkill {
  readonly definition: SkillDefinition;
  /** The definition's file, relative to the skills folder. */
  readonly file: string;
  /** SHA-256 in hexadecimal over the canonical definition: what a cached answer depends on. */
  readonly digest: string;
  readonly validateInput: Validate;
  readonly validateOutput: Validate;
  readonly mapping: Mapping;
  readonly toolSchemas: ToolSchemas;
  /** How long reading, checking and compiling took, in seconds. */
  readonly loadSeconds: number;
}

/** A skill that can be called. */
export interface Skill {
  readonly compiled: CompiledSkill;
  /** The way through the policies to the model. */
  readonly handle: Handler<Answer>;
  /** The beginning of that way alone: who calls, and with what. */
  readonly check: Handler<void>;
  readonly readiness: ReadinessView;
  readonly meter: SkillMeter;
  readonly gauges: SkillGauges;
  /** Stops probing and releases connections, once the calls in flight have ended. */
  close(): Promise<void>;
}

/** The skills that are served now. */
export interface SkillCatalog {
  get(name: string): Skill | undefined;
  /** In alphabetical order of the names. */
  list(): readonly Skill[];
}
