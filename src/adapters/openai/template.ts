import type { JsonValue } from '../../contracts/json.ts';
import { membersOf } from '../shared/json-object.ts';

const placeholder = /\{\{\s*([^{}\s]+)\s*\}\}/g;

/**
 * Fills in a template: a string stands as it is, anything else as JSON, what is absent as nothing. What comes in is
 * not searched again, so that an input cannot name others.
 */
export function fillTemplate(template: string, input: JsonValue): string {
  return template.replaceAll(placeholder, (_whole, path: string) => {
    const value = path.split('.').reduce<JsonValue | undefined>((inner, key) => ownMember(inner, key), input);
    if (value === undefined) return '';
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
}

/** The properties of the input that a template names. */
export function namesIn(template: string): readonly string[] {
  return [...template.matchAll(placeholder)].map(([, path = '']) => path.split('.')[0] ?? path);
}

function ownMember(value: JsonValue | undefined, key: string): JsonValue | undefined {
  const members = membersOf(value);
  return Object.hasOwn(members, key) ? members[key] : undefined;
}
