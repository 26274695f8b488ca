import { skillName } from './requests.ts';

export const inputSchema = {
  type: 'object',
  properties: {
    text: { type: 'string', minLength: 1, maxLength: 10_000 },
    language: { type: 'string', enum: ['de', 'en', 'fr'] },
  },
  required: ['text'],
  additionalProperties: false,
} as const;

/** The skill that is measured: every policy is on, and the model server wants a signed token. */
export function benchSkill(modelServerPort: number): object {
  return {
    name: skillName,
    description: 'Answers at once, for measuring the gateway.',
    input_schema: inputSchema,
    output_schema: {
      type: 'object',
      properties: {
        prediction: { type: 'string' },
        confidence: { type: 'number', minimum: 0, maximum: 1 },
      },
      required: ['prediction', 'confidence'],
    },
    endpoint: { url: `http://127.0.0.1:${modelServerPort}/predict`, method: 'POST' },
    auth: { type: 'jwt' },
    concurrency: { max: 128, queue: 1024 },
  };
}
