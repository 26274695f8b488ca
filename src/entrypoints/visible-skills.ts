import type { FastifyRequest } from 'fastify';
import { mayUse } from '../contracts/caller.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { Skill, SkillCatalog } from '../contracts/skill.ts';

/** The skills that the caller may use, in alphabetical order. */
export function visibleSkills(catalog: SkillCatalog, { caller }: FastifyRequest): readonly Skill[] {
  return catalog.list().filter((skill) => mayUse(caller, skill.compiled.definition.name));
}

/**
 * The skill that the path names. One that the caller may not use does not exist for it.
 *
 * @throws SkillgateError `skill_not_found`
 */
export function visibleSkill(
  catalog: SkillCatalog,
  { caller, params: { name } }: FastifyRequest<{ Params: { name: string } }>,
): Skill {
  const skill = catalog.get(name);
  if (skill === undefined || !mayUse(caller, name)) {
    throw new SkillgateError('skill_not_found', `There is no skill ${name}.`);
  }
  return skill;
}
