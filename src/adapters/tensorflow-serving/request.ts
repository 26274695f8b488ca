import type { JsonObject, JsonValue } from '../../contracts/json.ts';
import type { Options } from './options.ts';

/** Makes the body of a request out of a skill's input (TensorFlow Serving, RESTful API: request format). */
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
  return isObject(value) && Object.hasOwn(value, name) ? (value[name] ?? null) : null;
}

function wrapBytes(input: JsonValue, names: readonly string[]): JsonValue {
  if (names.length === 0 || !isObject(input)) return input;
  const wrapped = { ...input };
  for (const name of names) {
    const value = wrapped[name];
    if (value !== undefined) wrapped[name] = asBytes(value);
  }
  return wrapped;
}

/** Marks every string in a value as base64, in the one alphabet that the server reads (RFC 4648, section 4). */
function asBytes(value: JsonValue): JsonValue {
  if (typeof value === 'string') return { b64: standardBase64(value) };
  return Array.isArray(value) ? value.map(asBytes) : value;
}

function standardBase64(text: string): string {
  const data = /^data:[^,]{0,200};base64,/.exec(text)?.[0] ?? '';
  const digits = text.slice(data.length).replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, '');
  return digits.padEnd(Math.ceil(digits.length / 4) * 4, '=');
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
