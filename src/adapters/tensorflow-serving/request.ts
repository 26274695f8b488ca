import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json.ts';
import { fromBase64 } from '../../lib/base64.ts';
import { escapePointer } from '../../lib/json-shape.ts';
import type { Options } from './options.ts';

/**
 * Makes the body of a request out of a skill's input (TensorFlow Serving, RESTful API: request format).
 *
 * @throws SkillgateError `invalid_input` for bytes that are no base64
 */
export function requestBody(input: JsonValue, options: Options): JsonObject {
  const payload = wrapBytes(input, options.bytes);
  return {
    ...(options.signatureName !== undefined && { signature_name: options.signatureName }),
    ...payloadMember(payload, options),
  };
}

function payloadMember(payload: JsonValue, { method, format, inputName }: Options): JsonObject {
  const only = inputName === undefined ? payload : member(payload, inputName);
  if (method !== 'predict') return { examples: [inputName === undefined ? only : { [inputName]: only }] };
  return format === 'row' ? { instances: [only] } : { inputs: only };
}

function member(value: JsonValue, name: string): JsonValue {
  return isJsonObject(value) && Object.hasOwn(value, name) ? (value[name] ?? null) : null;
}

function wrapBytes(input: JsonValue, names: readonly string[]): JsonValue {
  if (names.length === 0 || !isJsonObject(input)) return input;
  const wrapped = { ...input };
  for (const name of names) {
    const value = wrapped[name];
    if (value !== undefined) wrapped[name] = asBytes(value, `/${escapePointer(name)}`);
  }
  return wrapped;
}

/**
 * Marks every string in a value as base64, in the one alphabet that the server reads (RFC 4648, section 4).
 *
 * @throws SkillgateError `invalid_input` for a string that is none
 */
function asBytes(value: JsonValue, pointer: string): JsonValue {
  if (Array.isArray(value)) return value.map((item, index) => asBytes(item, `${pointer}/${index}`));
  if (typeof value !== 'string') return value;
  const bytes = fromBase64(value);
  if (bytes) return { b64: bytes.toString('base64') };
  const message = 'must be base64';
  throw new SkillgateError('invalid_input', `${pointer} ${message}`, {
    faults: [{ pointer, keyword: 'contentEncoding', message }],
    mayHaveRun: false,
  });
}
