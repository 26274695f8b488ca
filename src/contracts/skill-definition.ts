import type { FromSchema, JSONSchema } from 'json-schema-to-ts';
import { auth } from './definition/auth.ts';
import { endpoint } from './definition/endpoint.ts';
import { batching, breaker, cache, concurrency, gpu, retry, timeouts } from './definition/limits.ts';
import { readiness } from './definition/readiness.ts';
import type { JsonObject, JsonSchema, JsonValue } from './json.ts';

/** JSON Schema of a skill definition, less what the protocols add for `endpoint.options`. */
export const skillDefinitionSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Skillgate skill definition',
  description: 'One local model as a skill that Claude can call.',
  type: 'object',
  required: ['name', 'description', 'input_schema', 'output_schema', 'endpoint'],
  additionalProperties: false,
  properties: {
    $schema: { type: 'string', description: 'Where editors find this schema.' },
    name: {
      type: 'string',
      pattern: '^[a-z][a-z0-9_-]{0,47}$',
      description: 'The name under which Claude calls the skill.',
    },
    version: {
      type: 'string',
      pattern: '^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$',
      default: '1.0.0',
      description: 'Semantic version of the skill.',
    },
    title: { type: 'string', minLength: 1, description: 'The name that people see.' },
    description: {
      type: 'string',
      minLength: 1,
      description: 'What the skill does and when to use it. Claude chooses by this text.',
    },
    tags: {
      type: 'array',
      items: { type: 'string' },
      default: [],
      description: 'For people who look for a skill.',
    },
    annotations: {
      type: 'object',
      default: {},
      additionalProperties: false,
      description: 'Hints for MCP clients.',
      properties: {
        readOnlyHint: { type: 'boolean', description: 'The model changes nothing.' },
        destructiveHint: { type: 'boolean', description: 'The model may destroy something.' },
        idempotentHint: { type: 'boolean', description: 'The same call again changes nothing more.' },
        openWorldHint: { type: 'boolean', description: 'The model reaches beyond its own machine.' },
      },
    },
    input_schema: { type: 'object', description: 'JSON Schema 2020-12 of the input; its root is an object.' },
    output_schema: { type: 'object', description: 'JSON Schema 2020-12 of the output.' },
    endpoint,
    auth,
    timeouts,
    retry,
    breaker,
    concurrency,
    batching,
    gpu,
    cache,
    warmup: {
      type: 'array',
      default: [],
      items: {},
      description: 'Inputs to run, and to cache, when the model first becomes ready.',
    },
    readiness,
    examples: {
      type: 'array',
      default: [],
      description: 'Shown to Claude, and run by `skillgate test`.',
      items: {
        type: 'object',
        required: ['input'],
        additionalProperties: false,
        properties: {
          input: { description: 'An input that fits input_schema.' },
          output: { description: 'What the model answers; parts that are left out are not compared.' },
        },
      },
    },
  },
} as const satisfies JSONSchema;

type Parsed = FromSchema<typeof skillDefinitionSchema>;

/** A skill definition with every default filled in. */
export interface SkillDefinition
  extends Omit<Parsed, 'input_schema' | 'output_schema' | 'warmup' | 'examples' | 'endpoint'> {
  readonly input_schema: JsonSchema;
  readonly output_schema: JsonSchema;
  readonly warmup: readonly JsonValue[];
  readonly examples: readonly SkillExample[];
  readonly endpoint: SkillEndpoint;
}

export interface SkillEndpoint extends Omit<Parsed['endpoint'], 'options'> {
  readonly options: JsonObject;
}

export type SkillAuth = Parsed['auth'];

export interface SkillExample {
  readonly input: JsonValue;
  readonly output?: JsonValue;
}
