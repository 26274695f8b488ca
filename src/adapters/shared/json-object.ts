import type { JsonObject, JsonValue } from '../../contracts/json.ts';

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The members of an object; none of anything else. */
export function membersOf(value: JsonValue | undefined): Readonly<Record<string, JsonValue | undefined>> {
  return isObject(value) ? value : {};
}

/** The items of a list; none of anything else. */
export function itemsOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? value : [];
}
