import type { JsonObject, JsonSchema } from './json.ts';
import type { CompiledSkill } from './skill.ts';

/** A text file of an export. */
export interface ExportedFile {
  /** Relative to the export's folder, with `/` between the parts. */
  readonly path: string;
  readonly text: string;
  readonly isExecutable: boolean;
}

/** A skill as the Agent Skills format has it: a folder of this name, with SKILL.md in it. */
export interface AgentSkill {
  readonly name: string;
  readonly files: readonly ExportedFile[];
}

/** An entry of the `tools` array of the Messages API. */
export interface MessagesTool {
  readonly name: string;
  readonly description: string;
  readonly input_schema: JsonSchema;
}

/** What skills look like in the formats of Claude's side. Pure: the same skills give the same bytes. */
export interface SkillExports {
  /** The tools that the Messages API takes as they are; a skill that it would refuse is left out. */
  tools(skills: readonly CompiledSkill[]): readonly MessagesTool[];

  /**
   * @param names the names of all skills, which share one space of Agent Skill names
   * @param gatewayUrl where the skill's script finds the gateway unless it is told otherwise
   */
  agentSkill(skill: CompiledSkill, names: readonly string[], gatewayUrl: string): AgentSkill;

  /** A zip archive (`.skill`) of the folder. */
  archive(skill: AgentSkill): Uint8Array<ArrayBuffer>;

  /** An OpenAPI 3.1 document of the gateway with these skills. */
  openApi(skills: readonly CompiledSkill[], gatewayUrl: string): JsonObject;
}
