import type { JsonObject, JsonSchema } from '../contracts/json.ts';

/** Something that the metadata of a model leaves open, for a person to fill in. */
export interface Hint {
  /** JSON Pointer (RFC 6901) into the definition. */
  readonly pointer: string;
  /** What to fill in, as a whole sentence. */
  readonly text: string;
}

/** A definition made of metadata: complete enough to pass the checks and to run. */
export interface ImportedSkill {
  readonly definition: ImportedDefinition;
  readonly hints: readonly Hint[];
}

/** What an importer writes of a definition; the rest is left to the defaults. */
export interface ImportedDefinition {
  readonly name: string;
  readonly title?: string;
  readonly description: string;
  readonly input_schema: JsonSchema;
  readonly output_schema: JsonSchema;
  readonly endpoint: JsonObject & { readonly url: string };
}

/** A part of what was found that cannot become a skill, such as a route that takes a form. */
export interface Omission {
  readonly what: string;
  /** Why, as the rest of a sentence that begins with `what`. */
  readonly reason: string;
}

/** What came of the metadata of one server, file or document. */
export interface Imported {
  readonly skills: readonly ImportedSkill[];
  readonly omissions: readonly Omission[];
}

/**
 * Ends a description with what Claude needs and no metadata tells. It stands in the file so that whoever opens it sees
 * it first.
 */
export function openDescription(known: string): string {
  return `${known} (To fill in: what it does in the terms of its users, and when to use it.)`;
}

/** The hint that goes with `openDescription`. */
export const descriptionHint: Hint = {
  pointer: '/description',
  text: 'Say what the model does and when to use it: Claude chooses by this text.',
};

/** The hint for a property whose name the service reads, and Claude's API does not take. */
export function oddNameHint(name: string): Hint {
  return {
    pointer: '/input_schema/properties',
    text: `Claude's API takes property names of letters, digits, "_", "." and "-" alone, 64 at most: map ${JSON.stringify(name)} with /endpoint/request or /endpoint/response.`,
  };
}
