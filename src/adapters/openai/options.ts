import type { FromSchema, JSONSchema } from 'json-schema-to-ts';

const template = {
  type: 'string',
  minLength: 1,
  description:
    'Text in which {{property}} stands for a property of the input, and {{a.b}} for one inside it.',
} as const;

/** JSON Schema of `endpoint.options` for protocol `openai`. */
export const optionsSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    api: {
      type: 'string',
      enum: ['chat', 'completions', 'embeddings', 'rerank'],
      default: 'chat',
      description: 'The route of the API that is called.',
    },
    system: { ...template, description: 'The system prompt, for chat. {{property}} stands for an input.' },
    prompt: {
      ...template,
      description:
        'The prompt; {{property}} stands for a property of the input. Without it the prompt is the only text of the input, or else the input as JSON.',
    },
    messages: {
      type: 'array',
      minItems: 1,
      description: 'The whole conversation, for chat, in place of system and prompt.',
      items: {
        type: 'object',
        required: ['role', 'content'],
        additionalProperties: false,
        properties: {
          role: { type: 'string', minLength: 1, description: 'system, user or assistant.' },
          content: template,
        },
      },
    },
    output: {
      type: 'string',
      enum: ['json', 'text'],
      description:
        'Whether the model writes the output as JSON, or the output is its text. Without it: text where output_schema has the type string, else json.',
    },
    output_name: {
      type: 'string',
      minLength: 1,
      description: 'With output text: the property of the output that gets the text.',
    },
    structured_output: {
      type: 'string',
      enum: ['response_format', 'structured_outputs', 'format', 'none'],
      default: 'response_format',
      description:
        'How the server is told the output schema: response_format (most servers), structured_outputs (vLLM from 0.12), format (the own API of Ollama, /api/chat), none.',
    },
    max_tokens: {
      type: 'integer',
      minimum: 1,
      default: 1024,
      description: 'How many tokens the model may write. An answer that is cut off there is an error.',
    },
    repair: {
      type: 'boolean',
      default: false,
      description:
        'Whether a model whose answer does not fit output_schema is told so, and asked once more. Takes up to twice the time.',
    },
    parameters: {
      type: 'object',
      default: {},
      description: 'More members of the request, such as {"temperature": 0, "seed": 1}.',
    },
    input_name: {
      type: 'string',
      minLength: 1,
      description:
        'For embeddings: the property that holds the text, or the list of texts. Without it the only property of the input, or else text, texts or input.',
    },
    rerank_api: {
      type: 'string',
      enum: ['jina', 'tei'],
      default: 'jina',
      description:
        'For rerank: the form of the request, as Jina has it (/v1/rerank: vLLM, llama.cpp) or Text Embeddings Inference (/rerank).',
    },
    ready_path: {
      type: 'string',
      pattern: '^/(?!/)',
      description:
        'What the probe asks in place of /v1/models, such as /health: 2xx is ready, 503 is loading. Not one that generates.',
    },
  },
} as const satisfies JSONSchema;

export type OpenaiOptions = FromSchema<typeof optionsSchema>;

/** The options as their type: whoever makes an adapter has checked them against the schema from which the type comes. */
export function optionsOf(checked: unknown): OpenaiOptions {
  return checked as OpenaiOptions;
}
