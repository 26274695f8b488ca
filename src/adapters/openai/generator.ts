import type { Attempt } from '../../contracts/adapter.ts';
import { type SchemaFault, SkillgateError } from '../../contracts/errors.ts';
import type { JsonObject, JsonValue } from '../../contracts/json.ts';
import { isSuccess, refusalOf } from '../shared/upstream-answer.ts';
import { finishedText, jsonIn } from './answer.ts';
import type { CallParts } from './call-parts.ts';
import { createGenerationReader, type Generation, type GenerationReader } from './generation.ts';
import { generationRequest, repairRequest } from './request.ts';

/** How many faults a model is told of its answer. */
const maxFaultsTold = 5;

/** An answer of the model: what it is worth, and what is wrong with it. */
interface Verdict {
  readonly output: JsonValue | undefined;
  readonly text: string;
  readonly complaint: string | undefined;
}

/** Makes the call of an API that generates text: chat, completions, or the chat of Ollama. */
export function createGenerator(parts: CallParts): (attempt: Attempt) => Promise<JsonValue> {
  const { definition, options, mapping, validateOutput, transport, url, headersOf } = parts;
  const wantsJson =
    (options.output ?? (definition.output_schema.type === 'string' ? 'text' : 'json')) === 'json';
  const requestOptions = {
    model: definition.endpoint.model,
    options,
    schema: wantsJson ? { name: definition.name, schema: definition.output_schema } : undefined,
  };

  async function generate(request: JsonObject, attempt: Attempt): Promise<Generation> {
    let reader: GenerationReader | undefined;
    const open = (contentType: string) => createGenerationReader(contentType, () => attempt.progressed());
    const response = await transport.exchange({
      method: 'POST',
      url,
      headers: { ...headersOf(attempt), accept: 'text/event-stream, application/x-ndjson, application/json' },
      body: JSON.stringify(request),
      signal: attempt.signal,
      onSent: () => attempt.sent(),
      // Not at the headers: servers send them before the model begins, which may take as long as their queue.
      onData(piece, headers) {
        reader ??= open(String(headers['content-type']));
        reader.push(piece);
      },
    });
    if (!isSuccess(response.status)) throw refusalOf(response);
    return (reader ?? open('')).end();
  }

  async function judge(generation: Generation, input: JsonValue): Promise<Verdict> {
    const text = finishedText(generation, options.max_tokens ?? 1024);
    const read = wantsJson ? jsonIn(text) : named(text);
    if (read === undefined) return { output: undefined, text, complaint: 'it is not JSON.' };
    const output = mapping.response ? await mapping.response(read, input) : read;
    return { output, text, complaint: options.repair ? complaintOf(validateOutput(output)) : undefined };
  }

  function named(text: string): JsonValue {
    return options.output_name === undefined ? text : { [options.output_name]: text };
  }

  return async (attempt) => {
    const { input } = attempt;
    const mapped = mapping.request ? await mapping.request(input) : undefined;
    const request = generationRequest(input, mapped, requestOptions);
    const first = await judge(await generate(request, attempt), input);
    if (first.complaint === undefined) return outputOf(first);
    if (!options.repair) throw notJson(first.text);
    const repair = repairRequest(request, first.text, first.complaint);
    return outputOf(await judge(await generate(repair, attempt), input));
  };
}

/** The output, though it may not fit the schema: that is told where every output is checked. */
function outputOf({ output, text }: Verdict): JsonValue {
  if (output === undefined) throw notJson(text);
  return output;
}

function notJson(text: string): SkillgateError {
  const shown = text.length > 200 ? `${text.slice(0, 200).toWellFormed()}…` : text;
  return new SkillgateError(
    'invalid_output',
    shown === '' ? 'The model wrote nothing.' : `The model's answer is not JSON: ${shown}`,
  );
}

function complaintOf(faults: readonly SchemaFault[]): string | undefined {
  if (faults.length === 0) return undefined;
  return `${faults
    .slice(0, maxFaultsTold)
    .map(({ pointer, message }) => `${pointer || 'the whole of it'} ${message}`)
    .join('; ')}.`;
}
