import type { JsonSchema } from '../contracts/json.ts';
import type { DefinitionFault } from './fault.ts';
import { documentOf, schemaAt } from './resolve-reference.ts';
import { ownMember, type Subschema, walkSchema } from './schema-walk.ts';

/**
 * Finds references that lead out of the schema, and local ones that lead nowhere. A gateway that fetched schemas would
 * depend on a server it does not know, and Claude's surfaces cannot follow such references at all.
 */
export function findReferenceFaults(schema: JsonSchema): DefinitionFault[] {
  const subschemas = [...walkSchema(schema)];
  const identifiers = subschemas.flatMap(({ schema: { $id } }) => (typeof $id === 'string' ? [$id] : []));
  const anchors = new Set(
    subschemas.flatMap(({ schema: { $anchor, $dynamicAnchor } }) => [$anchor, $dynamicAnchor]),
  );
  // Within an embedded schema with an `$id` of its own, `#` is that schema: ajv resolves those itself.
  const isOneDocument = identifiers.length === (typeof schema.$id === 'string' ? 1 : 0);
  const base = typeof schema.$id === 'string' ? schema.$id : undefined;
  const documents = new Set(identifiers.map((identifier) => documentOf(identifier, base)));

  const faultOf = (reference: string): string | undefined => {
    if (!reference.startsWith('#')) {
      return documents.has(documentOf(reference, base))
        ? undefined
        : `${JSON.stringify(reference)} leads out of this schema, and nothing is fetched; copy the schema under $defs and refer to it as "#/$defs/…"`;
    }
    if (!isOneDocument) return undefined;
    const fragment = reference.slice(1);
    const isFound =
      fragment === '' || fragment.startsWith('/')
        ? schemaAt(schema, fragment) !== undefined
        : anchors.has(fragment);
    return isFound ? undefined : `${JSON.stringify(reference)} leads to nothing in this schema`;
  };
  return subschemas.flatMap((subschema) => referencesOf(subschema, faultOf));
}

function referencesOf(
  { schema, pointer }: Subschema,
  faultOf: (reference: string) => string | undefined,
): DefinitionFault[] {
  return ['$ref', '$dynamicRef'].flatMap((keyword) => {
    const reference = ownMember(schema, keyword);
    const reason = typeof reference === 'string' ? faultOf(reference) : undefined;
    return reason === undefined ? [] : [{ pointer: `${pointer}/${keyword}`, reason }];
  });
}
