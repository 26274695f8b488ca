import type { JsonObject, JsonValue } from '../../contracts/json.ts';
import type { CompiledSkill } from '../../contracts/skill.ts';
import { answerSchema } from '../answer-schema.ts';
import { callErrorResponses, jsonContent, response, schemaRef } from './operation.ts';

/** The schemas of a skill, by the names that they have in the document. */
export function skillSchemas({ definition, toolSchemas }: CompiledSkill): JsonObject {
  const { $schema: _, ...input } = toolSchemas.input;
  const { $schema: __, ...output } = answerSchema(toolSchemas);
  return { [`${definition.name}_input`]: input, [`${definition.name}_output`]: output };
}

/** The path on which a skill is called, with its own schemas and examples. */
export function skillPath({ definition }: CompiledSkill): JsonObject {
  const { name, title, version, description, examples } = definition;
  const inputs = examples.map(({ input }) => input);
  const outputs = examples.flatMap(({ output }) => (output === undefined ? [] : [output]));
  return {
    get: {
      operationId: `${name}_definition`,
      tags: ['skills'],
      summary: `Show ${title ?? name}`,
      responses: { 200: response('The skill.', jsonContent(schemaRef('Skill'))) },
    },
    post: {
      operationId: name,
      tags: ['skills'],
      summary: title ?? name,
      description: `${description}\n\nVersion ${version}.`,
      requestBody: {
        required: true,
        content: jsonContent(schemaRef(`${name}_input`), exampleObjects(inputs)),
      },
      responses: {
        200: {
          ...response('The output.', jsonContent(schemaRef(`${name}_output`), exampleObjects(outputs))),
          headers: Object.fromEntries(
            ['X-Request-Id', 'Cache-Status', 'Server-Timing'].map((header) => [
              header,
              { $ref: `#/components/headers/${header}` },
            ]),
          ),
        },
        ...callErrorResponses,
      },
    },
  };
}

function exampleObjects(values: readonly JsonValue[]): JsonObject {
  return Object.fromEntries(values.map((value, index) => [`example_${index + 1}`, { value }]));
}
