import type { ToolSchemas } from '../contracts/skill.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import { inlineReferences } from './inline-references.ts';

/**
 * The schemas of a definition as tools have them. An output that need not be an object is wrapped, since revisions of
 * MCP before 2026-07-28 want an object there; the member is named `result`, as their SDKs name it.
 */
export function toToolSchemas({ input_schema, output_schema }: SkillDefinition): ToolSchemas {
  const input = inlineReferences(input_schema);
  const output = inlineReferences(output_schema);
  if (output.type === 'object') return { input, output, wrapsOutput: false };
  return {
    input,
    output: { type: 'object', properties: { result: output }, required: ['result'] },
    wrapsOutput: true,
  };
}
