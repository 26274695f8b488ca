import type { SkillExports } from '../contracts/exports.ts';
import { toAgentSkill } from './agent-skill.ts';
import { toArchive } from './archive.ts';
import { toOpenApi } from './openapi/document.ts';
import { toMessagesTools } from './tools.ts';

/** @param version of the gateway, for documents that name it */
export function createSkillExports(version: string): SkillExports {
  return {
    tools: toMessagesTools,
    agentSkill: toAgentSkill,
    archive: toArchive,
    openApi: (skills, gatewayUrl) => toOpenApi(skills, gatewayUrl, version),
  };
}
