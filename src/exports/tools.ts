import type { MessagesTool } from '../contracts/exports.ts';
import type { JsonObject } from '../contracts/json.ts';
import type { CompiledSkill } from '../contracts/skill.ts';
import { flattenRoot } from './flatten-root.ts';
import { withUsableProperties } from './usable-properties.ts';

/** A longer rule would say less than the answer to an input that breaks it. */
const maxRuleLength = 1000;

/**
 * The `tools` array of the Messages API, for whoever calls it without MCP: the input of a `tool_use` goes to
 * `POST /skills/{name}` as it is. Skills whose input has a required property of a name that the API refuses are left
 * out: one of them would fail the whole request.
 */
export function toMessagesTools(skills: readonly CompiledSkill[]): readonly MessagesTool[] {
  return skills.flatMap((skill) => toMessagesTool(skill) ?? []);
}

function toMessagesTool({ definition, toolSchemas }: CompiledSkill): MessagesTool | undefined {
  const { schema, rule } = flattenRoot(toolSchemas.input);
  const usable = withUsableProperties(schema);
  if (usable === undefined) return undefined;
  return {
    name: definition.name,
    description:
      rule === undefined ? definition.description : `${definition.description}\n\n${inWords(rule)}`,
    input_schema: { ...usable, type: 'object' },
  };
}

function inWords(rule: JsonObject): string {
  const text = JSON.stringify(rule);
  return text.length <= maxRuleLength
    ? `The input also has to fit this JSON Schema: ${text}`
    : 'Not every combination of properties is taken; the answer to a wrong one says what has to change.';
}
