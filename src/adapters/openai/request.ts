import { isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '../../contracts/json.ts';
import { membersOf } from '../shared/json-object.ts';
import type { OpenaiOptions } from './options.ts';
import { toServerSchema } from './server-schema.ts';
import { fillTemplate } from './template.ts';

export interface RequestOptions {
  readonly model: string | undefined;
  readonly options: OpenaiOptions;
  /** The schema that the server is to hold the model to; undefined where its text is the output. */
  readonly schema: { readonly name: string; readonly schema: JsonSchema } | undefined;
}

/**
 * Makes the body of a request that generates. It is always streamed: a server that does not stream goes on generating
 * for a caller who has left.
 *
 * @param mapped what `endpoint.request` made of the input: a text is the prompt, a list the messages, an object
 *   members of the request; undefined where the definition has none
 */
export function generationRequest(
  input: JsonValue,
  mapped: JsonValue | undefined,
  { model, options, schema }: RequestOptions,
): JsonObject {
  const conversation = mapped === undefined ? fromTemplates(input, options) : fromMapping(mapped, options);
  const { max_tokens: maxTokens = 1024, parameters } = options;
  const common = { ...(model !== undefined && { model }), ...conversation, stream: true };
  if (options.structured_output === 'format') {
    const more: JsonObject = asJson(parameters);
    return {
      ...common,
      ...(schema && { format: toServerSchema(schema.schema) }),
      ...more,
      options: { num_predict: maxTokens, ...membersWithValues(more.options) },
    };
  }
  return {
    max_tokens: maxTokens,
    ...(schema && structuredOutput(schema, options.structured_output)),
    ...asJson(parameters),
    ...common,
  };
}

/** Adds to a request what the model wrote and what is wrong with it. */
export function repairRequest(request: JsonObject, text: string, complaint: string): JsonObject {
  const ask = `This answer cannot be used: ${complaint} Write the whole answer again, corrected, as JSON and nothing else.`;
  if (Array.isArray(request.messages)) {
    const more = [
      { role: 'assistant', content: text },
      { role: 'user', content: ask },
    ];
    return { ...request, messages: [...request.messages, ...more] };
  }
  return { ...request, prompt: `${String(request.prompt)}${text}\n\n${ask}\n\n` };
}

function fromTemplates(input: JsonValue, options: OpenaiOptions): JsonObject {
  const { api, messages, system, prompt } = options;
  if (messages) {
    return {
      messages: messages.map(({ role, content }) => ({ role, content: fillTemplate(content, input) })),
    };
  }
  const given = membersOf(input).messages;
  if (api !== 'completions' && prompt === undefined && Array.isArray(given)) {
    return { messages: [...systemMessages(system, input), ...given] };
  }
  return conversationOf(prompt === undefined ? promptIn(input) : fillTemplate(prompt, input), input, options);
}

function fromMapping(mapped: JsonValue, options: OpenaiOptions): JsonObject {
  if (isJsonObject(mapped)) return mapped;
  if (Array.isArray(mapped)) return { messages: mapped };
  return conversationOf(typeof mapped === 'string' ? mapped : JSON.stringify(mapped), {}, options);
}

function conversationOf(prompt: string, input: JsonValue, { api, system }: OpenaiOptions): JsonObject {
  if (api === 'completions') return { prompt };
  return { messages: [...systemMessages(system, input), { role: 'user', content: prompt }] };
}

function systemMessages(system: string | undefined, input: JsonValue): JsonObject[] {
  return system === undefined ? [] : [{ role: 'system', content: fillTemplate(system, input) }];
}

/** The only text of an input, or the input as JSON. */
function promptIn(input: JsonValue): string {
  const values = Object.values(membersOf(input));
  const [only] = values;
  return values.length === 1 && typeof only === 'string' ? only : JSON.stringify(input);
}

function structuredOutput(
  { name, schema }: { readonly name: string; readonly schema: JsonSchema },
  kind: OpenaiOptions['structured_output'],
): JsonObject {
  if (kind === 'none') return {};
  const json = toServerSchema(schema);
  if (kind === 'structured_outputs') return { structured_outputs: { json } };
  return { response_format: { type: 'json_schema', json_schema: { name, schema: json } } };
}

/** A part of the options, which came from JSON. */
function asJson(value: unknown): JsonObject {
  return (value ?? {}) as JsonObject;
}

function membersWithValues(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
