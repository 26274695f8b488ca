import type { CompiledSkill } from '../contracts/skill.ts';
import type { SkillFault } from './fault.ts';
import type { SkillLoader } from './load.ts';
import type { SkillRegistry } from './registry.ts';

export interface SkillSourceOptions {
  readonly loader: SkillLoader;
  readonly registry: SkillRegistry;
}

/** The way from the files to the skills that are served. Calls must not overlap. */
export interface SkillSource {
  /**
   * Serves every skill of the folder, or, where anything is wrong with any of them, none.
   *
   * @returns every fault
   */
  load(): Promise<readonly SkillFault[]>;
  /**
   * Serves what the folder holds now. A file with a fault keeps the skill that it gave last, and does not hold back
   * the others; a folder that cannot be read changes nothing.
   *
   * @returns every fault
   */
  reload(): Promise<readonly SkillFault[]>;
}

/** Connects a loader with a registry. */
export function createSkillSource({ loader, registry }: SkillSourceOptions): SkillSource {
  /** The last good skill of each file. */
  let served = new Map<string, CompiledSkill>();

  function serve(skills: readonly CompiledSkill[]): readonly SkillFault[] {
    served = new Map(skills.map((skill) => [skill.file, skill]));
    return registry.apply(skills).map(({ compiled, error }) => ({
      file: compiled.file,
      pointer: '',
      reason: `cannot be put together: ${error instanceof Error ? error.message : String(error)}`,
    }));
  }

  return {
    async load() {
      const { skills, faults } = await loader.load();
      return faults.length > 0 ? faults : serve(skills);
    },
    async reload() {
      const { skills, faults } = await loader.load();
      const faultyFiles = new Set(faults.map(({ file }) => file));
      if (faultyFiles.has('.')) return faults;
      const names = new Set(skills.map(({ definition }) => definition.name));
      const kept = [...served.values()].filter(
        ({ file, definition }) => faultyFiles.has(file) && !names.has(definition.name),
      );
      return [...faults, ...serve([...skills, ...kept])];
    },
  };
}
