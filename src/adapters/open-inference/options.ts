import type { FromSchema, JSONSchema } from 'json-schema-to-ts';
import type { JsonObject } from '../../contracts/json.ts';
import { plainOutput, scoreOptions } from '../shared/output-options.ts';
import { datatypes } from './datatypes.ts';

const datatype = {
  type: 'string',
  enum: Object.keys(datatypes),
  description:
    'The datatype of the tensor, where the metadata of the model does not say it, or says it wrongly.',
} as const;

const encoding = {
  type: 'string',
  enum: ['text', 'base64'],
  default: 'text',
  description: 'For BYTES: whether the skill has text (UTF-8) or base64.',
} as const;

/** JSON Schema of `endpoint.options` for protocol `open-inference`. */
export const optionsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    inputs: {
      type: 'object',
      default: {},
      description:
        'Input property → model input, where the names differ or the metadata of the model is not enough. A property that is not named here goes to the model input of its own name.',
      additionalProperties: {
        oneOf: [
          { type: 'string', minLength: 1, title: 'A name', description: 'The name of the model input.' },
          {
            type: 'object',
            title: 'A tensor',
            additionalProperties: false,
            properties: {
              tensor: {
                type: 'string',
                minLength: 1,
                description: 'The name of the model input; without it that of the property.',
              },
              datatype,
              shape: {
                type: 'array',
                items: { type: 'integer', minimum: -1 },
                description:
                  'The shape of the tensor; -1 for a dimension that varies. The batch is the first.',
              },
              encoding,
            },
          },
        ],
      },
    },
    outputs: {
      type: 'object',
      minProperties: 1,
      description:
        'Output property → model output. Without it the output has every tensor of the model under its own name.',
      additionalProperties: {
        oneOf: [
          plainOutput,
          {
            type: 'object',
            title: 'Class scores, or bytes',
            required: ['tensor'],
            additionalProperties: false,
            properties: { ...scoreOptions, encoding },
          },
        ],
      },
    },
    binary: {
      type: 'string',
      enum: ['auto', 'always', 'never'],
      default: 'auto',
      description:
        'Whether tensors travel as bytes (binary tensor data extension) rather than as JSON. auto: larger ones do, where the server says that it can.',
    },
    parameters: {
      type: 'object',
      description: 'Parameters of every inference request, such as {"priority": 1}.',
    },
  },
} as const satisfies JSONSchema;

export type OpenInferenceOptions = FromSchema<typeof optionsSchema>;

/** The options as their type: whoever makes an adapter has checked them against the schema from which the type comes. */
export function optionsOf(checked: unknown): OpenInferenceOptions {
  return checked as OpenInferenceOptions;
}

/** The parameters of every request, as the JSON from which they came. */
export function parametersOf({ parameters }: OpenInferenceOptions): JsonObject | undefined {
  return parameters as JsonObject | undefined;
}
