import { isJsonObject, type JsonValue } from '../contracts/json.ts';

/** The own members of an object; none of anything else. */
export function entriesOf(value: JsonValue | undefined): [string, JsonValue][] {
  return isJsonObject(value) ? Object.entries(value) : [];
}

/** A member of an object that was read from JSON, along a path; never one of its prototype. */
export function memberAt(value: JsonValue | undefined, ...path: readonly string[]): JsonValue | undefined {
  let inner = value;
  for (const key of path) inner = isJsonObject(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined;
  return inner;
}

/** A member that is a text with something in it. */
export function textAt(value: JsonValue | undefined, ...path: readonly string[]): string | undefined {
  const text = memberAt(value, ...path);
  return typeof text === 'string' && text.trim() !== '' ? text.trim() : undefined;
}

/** A member that is a list; an empty one where it is anything else. */
export function listAt(value: JsonValue | undefined, ...path: readonly string[]): readonly JsonValue[] {
  const list = memberAt(value, ...path);
  return Array.isArray(list) ? list : [];
}
