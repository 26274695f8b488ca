import type { FromSchema, JSONSchema } from 'json-schema-to-ts';

/** JSON Schema of `endpoint.options` for protocol `torchserve`. */
export const optionsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    api: {
      type: 'string',
      enum: ['predictions', 'kserve-v1'],
      default: 'predictions',
      description:
        'predictions: POST /predictions/MODEL with one example. kserve-v1: POST /v1/models/MODEL:predict with instances.',
    },
    input_name: {
      type: 'string',
      minLength: 1,
      description: 'Sends just this property of the input, without its name.',
    },
    content: {
      type: 'string',
      enum: ['json', 'text', 'base64'],
      default: 'json',
      description:
        'What the handler of the model reads, for predictions: json, the text of the property, or the bytes that it holds in base64 (an image, say).',
    },
    output_name: {
      type: 'string',
      minLength: 1,
      default: 'prediction',
      description: 'The property of the output for an answer that is no object.',
    },
    management_url: {
      type: 'string',
      minLength: 1,
      description:
        'The management API, such as http://localhost:8081: only it tells whether the workers of the model are ready. On the host of endpoint.url.',
    },
  },
} as const satisfies JSONSchema;

export type TorchserveOptions = FromSchema<typeof optionsSchema>;

/** The options as their type: whoever makes an adapter has checked them against the schema from which the type comes. */
export function optionsOf(checked: unknown): TorchserveOptions {
  return checked as TorchserveOptions;
}
