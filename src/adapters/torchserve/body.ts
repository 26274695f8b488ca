import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonValue } from '../../contracts/json.ts';
import { fromBase64 } from '../../lib/base64.ts';
import { escapePointer } from '../../lib/json-shape.ts';
import { itemsOf, membersOf } from '../shared/json-object.ts';
import type { TorchserveOptions } from './options.ts';

export interface Body {
  readonly type: string;
  readonly content: string | Uint8Array;
}

/**
 * Makes the body of a request.
 *
 * @throws SkillgateError `invalid_input` for what is no text where text is due, or no base64
 */
export function requestBody(input: JsonValue, options: TorchserveOptions): Body {
  const { api, content, input_name: name } = options;
  const value = name === undefined ? input : (membersOf(input)[name] ?? null);
  if (api === 'kserve-v1') return json({ instances: [value] });
  if (content === undefined || content === 'json') return json(value);
  if (typeof value !== 'string') throw refused(name, 'must be a string');
  if (content === 'text') return { type: 'text/plain; charset=utf-8', content: value };
  const bytes = fromBase64(value);
  if (bytes === undefined) throw refused(name, 'must be base64');
  return { type: 'application/octet-stream', content: bytes };
}

export function json(value: JsonValue): Body {
  return { type: 'application/json', content: JSON.stringify(value) };
}

/**
 * Makes the output of an answer. An answer that is no object gets a name.
 *
 * @throws SkillgateError `upstream_error` where there are no predictions in an answer of KServe V1
 */
export function readAnswer(
  answer: JsonValue,
  { api, output_name: name = 'prediction' }: TorchserveOptions,
): JsonValue {
  const value = api === 'kserve-v1' ? itemsOf(membersOf(answer).predictions)[0] : answer;
  if (value === undefined) {
    throw new SkillgateError('upstream_error', "The model server's answer has no row in predictions.");
  }
  return isJsonObject(value) ? value : { [name]: value };
}

function refused(name: string | undefined, message: string): SkillgateError {
  const pointer = name === undefined ? '' : `/${escapePointer(name)}`;
  return new SkillgateError('invalid_input', `${pointer || 'The input'} ${message}`, {
    faults: [{ pointer, keyword: 'content', message }],
    mayHaveRun: false,
  });
}
