import type { JsonObject, JsonSchema, JsonValue } from '../contracts/json.ts';
import { descriptionHint, type Hint, type ImportedSkill, openDescription } from './imported-skill.ts';
import { listAt, textAt } from './json.ts';
import { skillName } from './names.ts';
import { objectSchema } from './tensor-schema.ts';

/** What a model of a server with OpenAI's API is for. */
export type ModelUse = 'chat' | 'embeddings' | 'rerank';

/** A model as a server lists it. */
export interface ListedModel {
  readonly name: string;
  readonly use: ModelUse;
  /** Whether the use was guessed by the name, where the server does not tell it. */
  readonly isGuess: boolean;
}

/** Reads a list of models: OpenAI's `{data: [{id}]}` or Ollama's `{models: [{name}]}`. llama.cpp answers both in one. */
export function readModels(list: JsonValue): ListedModel[] {
  const entries = listAt(list, 'data').length > 0 ? listAt(list, 'data') : listAt(list, 'models');
  const others = listAt(list, 'models');
  return entries.flatMap((entry) => {
    const name = textAt(entry, 'id') ?? textAt(entry, 'name') ?? textAt(entry, 'model');
    if (name === undefined) return [];
    const twin = others.find((other) => textAt(other, 'name') === name || textAt(other, 'model') === name);
    return [withUse(name, [...listAt(entry, 'capabilities'), ...listAt(twin, 'capabilities')])];
  });
}

/**
 * Tells what a model is for by the capabilities that its server names (Ollama, llama.cpp), or else by its name.
 *
 * @param capabilities such as `completion` and `embedding`; empty where the server names none
 */
export function withUse(name: string, capabilities: readonly JsonValue[]): ListedModel {
  const can = (capability: string) => capabilities.includes(capability);
  if (can('completion') || can('chat')) return { name, use: 'chat', isGuess: false };
  if (can('embedding') || can('embeddings')) return { name, use: 'embeddings', isGuess: false };
  if (/re-?rank/i.test(name)) return { name, use: 'rerank', isGuess: true };
  const embeds = /embed|(?:^|[/_-])(?:bge|e5|gte)[_-]|minilm/i.test(name);
  return { name, use: embeds ? 'embeddings' : 'chat', isGuess: true };
}

/** Makes a skill of a model. What is asked of it, and in which form it answers, no list tells. */
export function importOpenai({ name, use, isGuess }: ListedModel, url: string): ImportedSkill {
  const { input, output, options, summary, hints } = uses[use];
  const guess: Hint = {
    pointer: '/endpoint/options/api',
    text: `The server does not say what the model is for; by its name it is for ${use}. Otherwise write chat, completions, embeddings or rerank, with the schemas that belong to it.`,
  };
  return {
    definition: {
      name: skillName(name),
      description: openDescription(`${summary} Model: ${name}.`),
      input_schema: structuredClone(input),
      output_schema: structuredClone(output),
      endpoint: { protocol: 'openai', url, model: name, options: structuredClone(options) },
    },
    hints: [descriptionHint, ...hints, ...(isGuess ? [guess] : [])],
  };
}

interface Use {
  readonly input: JsonSchema;
  readonly output: JsonSchema;
  readonly options: JsonObject;
  readonly summary: string;
  readonly hints: readonly Hint[];
}

const text: JsonSchema = { type: 'string', minLength: 1 };

const uses: Readonly<Record<ModelUse, Use>> = {
  chat: {
    input: objectSchema({ text: { ...text, description: 'What the model is asked.' } }),
    output: objectSchema({ text: { type: 'string', description: 'What the model writes.' } }),
    options: { api: 'chat', prompt: '{{text}}', output: 'text', output_name: 'text' },
    summary: 'Asks a language model, and gives its answer as text.',
    hints: [
      {
        pointer: '/endpoint/options/prompt',
        text: 'Write the task around {{text}}, such as "Sum this up in one sentence:\\n\\n{{text}}"; "system" takes a system prompt.',
      },
      {
        pointer: '/output_schema',
        text: 'For an answer with a form, describe it here and take "output" and "output_name" out of the options: the server then holds the model to it.',
      },
    ],
  },
  embeddings: {
    input: objectSchema({ text }),
    output: objectSchema({ embedding: { type: 'array', items: { type: 'number' } } }),
    options: { api: 'embeddings', input_name: 'text' },
    summary: 'Embeds a text as a list of numbers.',
    hints: [],
  },
  rerank: {
    input: {
      ...objectSchema({
        query: text,
        documents: { type: 'array', items: { type: 'string' }, minItems: 1 },
        top_n: { type: 'integer', minimum: 1 },
      }),
      required: ['query', 'documents'],
    },
    output: {
      type: 'object',
      properties: {
        results: {
          type: 'array',
          items: {
            type: 'object',
            properties: {
              index: { type: 'integer' },
              score: { type: 'number' },
              document: { type: 'string' },
            },
          },
        },
      },
      required: ['results'],
    },
    options: { api: 'rerank' },
    summary: 'Sorts documents by how well they fit a query.',
    hints: [],
  },
};
