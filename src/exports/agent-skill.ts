import type { AgentSkill } from '../contracts/exports.ts';
import type { CompiledSkill } from '../contracts/skill.ts';
import { toAgentSkillNames } from './agent-skill-name.ts';
import { callScript } from './call-script.ts';
import { skillMarkdown } from './skill-markdown.ts';

/**
 * Writes a skill as an Agent Skill: SKILL.md and the script that calls it.
 *
 * @param names the names of all skills, which share one space of Agent Skill names
 * @param gatewayUrl where the script finds the gateway unless it is told otherwise
 */
export function toAgentSkill(skill: CompiledSkill, names: readonly string[], gatewayUrl: string): AgentSkill {
  const skillName = skill.definition.name;
  const name = toAgentSkillNames([...new Set([...names, skillName])]).get(skillName) ?? skillName;
  return {
    name,
    files: [
      { path: 'SKILL.md', text: skillMarkdown(skill, name), isExecutable: false },
      { path: 'scripts/call.sh', text: callScript(skillName, gatewayUrl), isExecutable: true },
    ],
  };
}
