import type { FromSchema, JSONSchema } from 'json-schema-to-ts';
import type { EndpointFault } from '../../contracts/adapter.ts';
import { escapePointer } from '../../lib/json-shape.ts';

const tensorName = { type: 'string', minLength: 1 } as const;

/** JSON Schema of `endpoint.options` for protocol `onnx`. */
export const optionsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    inputs: {
      type: 'object',
      default: {},
      additionalProperties: { ...tensorName, description: 'The name of the model input.' },
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
          { ...tensorName, title: 'A tensor as it is', description: 'The name of the model output.' },
          {
            type: 'object',
            title: 'Class scores',
            required: ['tensor'],
            additionalProperties: false,
            properties: {
              tensor: { ...tensorName, description: 'The name of the model output.' },
              softmax: {
                type: 'boolean',
                description: 'Turns logits into probabilities, along the last dimension.',
              },
              take: {
                type: 'string',
                enum: ['max', 'argmax'],
                description: 'The best score, or its index, along the last dimension.',
              },
              labels: {
                type: 'array',
                minItems: 1,
                items: { type: 'string' },
                description: 'The names of the classes, in the order of their indices.',
              },
            },
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

/** What becomes of one model output. */
export interface OutputOptions {
  readonly tensor: string;
  readonly softmax?: boolean;
  readonly take?: 'max' | 'argmax';
  readonly labels?: readonly string[];
}

/** The long form of an output's option. */
export function outputOptions(option: string | OutputOptions): OutputOptions {
  return typeof option === 'string' ? { tensor: option } : option;
}

/** What the schema cannot see in the options, as faults of the definition. */
export function outputFaults({ outputs = {} }: OnnxOptions): EndpointFault[] {
  return Object.entries(outputs).flatMap(([property, option]) => {
    const { softmax, take, labels } = outputOptions(option);
    const pointer = `/endpoint/options/outputs/${escapePointer(property)}/labels`;
    if (labels && (take === 'max' || (softmax && !take))) {
      return [
        { pointer, reason: 'names classes, so it needs "take": "argmax" or a model output of integers' },
      ];
    }
    return [];
  });
}
