import { isJsonObject, type JsonSchema } from '../contracts/json.ts';
import type { ToolSchemas } from '../contracts/skill.ts';

/** The schema of what REST answers: the output as it is, also where tools show it within an object. */
export function answerSchema({ output, wrapsOutput }: ToolSchemas): JsonSchema {
  const { properties } = output;
  const wrapped = wrapsOutput && isJsonObject(properties) ? properties.result : output;
  return isJsonObject(wrapped) ? wrapped : {};
}
