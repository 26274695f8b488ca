import type { JsonObject } from '../../contracts/json.ts';
import type { CompiledSkill, Skill } from '../../contracts/skill.ts';
import { type ImagePlaces, imagePlaces } from './images.ts';

/** The most characters of a result that Claude Code takes, where the tool asks for them. */
const maxResultCharacters = 500_000;

/** A skill as MCP shows it. */
export interface Tool {
  readonly skill: Skill;
  /** The tool's entry in `tools/list`. */
  readonly json: string;
  /** The same, for clients that can call it as a task. */
  readonly taskJson: string;
  /** Where images stand in the output, if anywhere. */
  readonly images: ImagePlaces | undefined;
}

const tools = new WeakMap<CompiledSkill, Tool>();

/** The tool of a skill, made when it is first asked for. */
export function toolOf(skill: Skill): Tool {
  const known = tools.get(skill.compiled);
  if (known?.skill === skill) return known;
  const images = imagePlaces(skill.compiled.toolSchemas.output);
  const entry = describe(skill.compiled, images !== undefined);
  const taskEntry = { ...entry, execution: { taskSupport: 'optional' } };
  const tool = { skill, images, json: JSON.stringify(entry), taskJson: JSON.stringify(taskEntry) };
  tools.set(skill.compiled, tool);
  return tool;
}

/**
 * A tool whose output has images says nothing of the output's form: clients that get `structuredContent` show nothing
 * else to the model, and the images would reach it as text.
 */
function describe({ definition, toolSchemas }: CompiledSkill, hasImages: boolean): JsonObject {
  const { name, title, description, annotations } = definition;
  return {
    name,
    ...(title !== undefined && { title }),
    description,
    inputSchema: toolSchemas.input,
    ...(!hasImages && { outputSchema: toolSchemas.output }),
    ...(Object.keys(annotations).length > 0 && { annotations: { ...annotations } }),
    _meta: { 'anthropic/maxResultSizeChars': maxResultCharacters },
  };
}
