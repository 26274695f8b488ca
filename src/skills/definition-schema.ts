import type { Protocol } from '../contracts/adapter.ts';
import type { JsonSchema } from '../contracts/json.ts';
import { skillDefinitionSchema } from '../contracts/skill-definition.ts';

// An object with a property `then`, written as such, would be taken for a promise by readers and by the linter.
const thenKeyword = 'then';

/**
 * The whole JSON Schema of a definition: what every skill has, and for each protocol what `endpoint.options` may hold.
 *
 * @param protocols their `optionsSchema` must not use `$ref`, since it becomes a part of this schema
 */
export function fullDefinitionSchema(protocols: readonly Protocol[]): JsonSchema {
  // The constant is readonly all the way down, and a JSON copy is not.
  const schema: JsonSchema & {
    properties: { endpoint: { properties: { protocol: JsonSchema } } & JsonSchema };
  } = JSON.parse(JSON.stringify(skillDefinitionSchema));
  const { endpoint } = schema.properties;
  const { protocol } = endpoint.properties;
  protocol.enum = protocols.map(({ name }) => name);
  endpoint.allOf = protocols.map(({ name, optionsSchema }) => ({
    if: {
      properties: { protocol: { const: name } },
      // Without `required` the condition also holds for a definition that leaves the protocol to its default.
      ...(name === protocol.default ? {} : { required: ['protocol'] }),
    },
    // The default stands here too: without it, options that are left out would miss the defaults within.
    [thenKeyword]: { properties: { options: { default: {}, ...optionsSchema } } },
  }));
  return schema;
}
