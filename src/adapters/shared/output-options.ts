import type { JSONSchema } from 'json-schema-to-ts';
import type { EndpointFault } from '../../contracts/adapter.ts';
import { escapePointer } from '../../lib/json-shape.ts';

const modelOutput = { type: 'string', minLength: 1, description: 'The name of the model output.' } as const;

/** What may be made of class scores, for the long form of an output's option. */
export const scoreOptions = {
  tensor: modelOutput,
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
} as const satisfies Record<string, JSONSchema>;

/** The short form of an output's option. */
export const plainOutput = { ...modelOutput, title: 'A tensor as it is' } as const satisfies JSONSchema;

/** What becomes of one model output. */
export interface OutputOptions {
  readonly tensor: string;
  readonly softmax?: boolean;
  readonly take?: 'max' | 'argmax';
  readonly labels?: readonly string[];
}

/** How properties of a skill and tensors of its model belong together. */
export interface TensorOptions {
  /** Input property → model input, where the names differ. */
  readonly inputs?: Readonly<Record<string, string>>;
  /** Output property → model output; without it every output, under its own name. */
  readonly outputs?: Readonly<Record<string, string | OutputOptions>> | undefined;
}

/** The long form of an output's option. */
export function outputOptions(option: string | OutputOptions): OutputOptions {
  return typeof option === 'string' ? { tensor: option } : option;
}

/** What the schema cannot see in the options, as faults of the definition. */
export function outputFaults({ outputs = {} }: TensorOptions): EndpointFault[] {
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
