import { isJsonObject, type JsonObject, type JsonValue } from '../contracts/json.ts';
import { ownMember, walkSchema } from './schema-walk.ts';

/** A schema, and the document by which its references are read. */
export interface Place {
  readonly schema: JsonValue;
  /** The nearest schema around it that has an `$id`, or the outermost one. */
  readonly document: JsonObject;
}

/** Finds what a reference leads to; undefined where it leads to nothing, or out of the schema. */
export type ResolveReference = (reference: string, document: JsonObject) => Place | undefined;

/** Makes the resolver of one schema's references (JSON Schema 2020-12, sections 8.2 and 9.2). */
export function createReferenceResolver(root: JsonObject): ResolveReference {
  const base = typeof root.$id === 'string' ? root.$id : undefined;
  const documents = new Map<string, JsonObject>();
  for (const { schema } of walkSchema(root)) {
    if (typeof schema.$id === 'string') documents.set(documentOf(schema.$id, base), schema);
  }

  return (reference, document) => {
    const found = reference.startsWith('#') ? document : documents.get(documentOf(reference, base));
    if (found === undefined) return undefined;
    const hash = reference.indexOf('#');
    const fragment = hash === -1 ? '' : reference.slice(hash + 1);
    return fragment === '' || fragment.startsWith('/')
      ? schemaAt(found, fragment)
      : anchoredSchema(found, decodeFragment(fragment));
  };
}

/** The absolute URI of a reference, without its fragment; the reference itself where there is nothing to resolve by. */
export function documentOf(reference: string, base: string | undefined): string {
  const url = URL.parse(reference, base);
  if (!url) return reference.replace(/#.*$/s, '');
  url.hash = '';
  return url.href;
}

/**
 * The schema at a JSON Pointer.
 *
 * @param fragment in URI fragment form (RFC 6901, section 6)
 */
export function schemaAt(document: JsonObject, fragment: string): Place | undefined {
  let place: JsonValue | undefined = document;
  let nearest = document;
  for (const token of fragment.split('/').slice(1)) {
    const key = decodeFragment(token).replaceAll('~1', '/').replaceAll('~0', '~');
    place = Array.isArray(place) ? place[Number(key)] : ownMember(place, key);
    if (isJsonObject(place) && typeof place.$id === 'string') nearest = place;
  }
  return typeof place === 'boolean' || isJsonObject(place) ? { schema: place, document: nearest } : undefined;
}

function anchoredSchema(document: JsonObject, name: string): Place | undefined {
  for (const { schema } of walkSchema(document)) {
    if (schema.$anchor === name || schema.$dynamicAnchor === name) return { schema, document };
  }
  return undefined;
}

function decodeFragment(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return text;
    throw error;
  }
}
