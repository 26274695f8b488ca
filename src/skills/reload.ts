import type { CompiledSkill } from '../contracts/skill.ts';
import type { LoadedSkills } from './load.ts';

/**
 * What to serve after a look at the folder: the skills that were found, and those of now whose file has become
 * faulty, in the form that they have. A broken edit takes nothing away.
 */
export function skillsAfterReload(
  running: readonly CompiledSkill[],
  { skills, faults }: LoadedSkills,
): readonly CompiledSkill[] {
  const faulty = new Set(faults.map(({ file }) => file));
  const found = new Set(skills.map(({ definition }) => definition.name));
  const kept = running.filter(
    ({ file, definition }) => (faulty.has(file) || faulty.has('.')) && !found.has(definition.name),
  );
  return [...skills, ...kept];
}
