import type { FromSchema, JSONSchema } from 'json-schema-to-ts';
import { plainOutput, scoreOptions } from '../shared/output-options.ts';

/** JSON Schema of `endpoint.options` for protocol `onnx`. */
export const optionsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    inputs: {
      type: 'object',
      default: {},
      additionalProperties: { type: 'string', minLength: 1, description: 'The name of the model input.' },
      description:
        'Input property → model input, where the names differ. A property that is not named here goes to the model input of its own name.',
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
            title: 'Class scores',
            required: ['tensor'],
            additionalProperties: false,
            properties: scoreOptions,
          },
        ],
      },
    },
    threads: {
      type: 'integer',
      minimum: 1,
      maximum: 256,
      default: 1,
      description: 'Processor threads that one run of the model may use.',
    },
  },
} as const satisfies JSONSchema;

export type OnnxOptions = FromSchema<typeof optionsSchema>;
