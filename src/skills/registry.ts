import type { CompiledSkill, Skill, SkillCatalog } from '../contracts/skill.ts';

export interface RegistryOptions {
  /** Puts a skill together: policies, adapter, probing. */
  readonly assemble: (compiled: CompiledSkill) => Skill;
  /** Told when a skill that is no longer served could not be closed. */
  readonly onCloseError: (skill: Skill, error: unknown) => void;
  /** Told when a skill that is no longer served, because it changed or is gone, has ended its last call. */
  readonly onRetired?: (skill: Skill) => void;
}

/** A skill that could not be put together. */
export interface AssemblyFailure {
  readonly compiled: CompiledSkill;
  readonly error: unknown;
}

export interface SkillRegistry extends SkillCatalog {
  /**
   * Serves these skills from now on, and no others. A skill whose digest and file are unchanged goes on as it is, with its
   * breaker, queue and connections; of one that changed the old form is closed once the new one serves. Where the new
   * form cannot be put together the old one stays.
   *
   * @returns the skills that could not be put together
   */
  apply(compiledSkills: readonly CompiledSkill[]): readonly AssemblyFailure[];
  /**
   * Tells after every change of what is served.
   *
   * @returns ends it
   */
  onChange(listener: () => void): () => void;
  /** Closes every skill; from then on there are none. */
  close(): Promise<void>;
}

/** Makes an empty registry: the one place that says which skills are served. */
export function createRegistry({ assemble, onCloseError, onRetired }: RegistryOptions): SkillRegistry {
  let skills: ReadonlyMap<string, Skill> = new Map();
  let sorted: readonly Skill[] = [];
  const listeners = new Set<() => void>();

  function serve(next: ReadonlyMap<string, Skill>): readonly Skill[] {
    const kept = new Set(next.values());
    const dropped = sorted.filter((skill) => !kept.has(skill));
    const isChanged = dropped.length > 0 || next.size !== skills.size;
    skills = next;
    sorted = [...next.values()].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    if (isChanged) for (const listener of listeners) listener();
    return dropped;
  }

  async function closeAll(dropped: readonly Skill[]): Promise<void> {
    await Promise.all(
      dropped.map((skill) => skill.close().catch((error: unknown) => onCloseError(skill, error))),
    );
  }

  return {
    get: (name) => skills.get(name),
    list: () => sorted,
    apply(compiledSkills) {
      const failures: AssemblyFailure[] = [];
      const next = new Map<string, Skill>();
      for (const compiled of compiledSkills) {
        const { name } = compiled.definition;
        const running = skills.get(name);
        if (running && isSame(running.compiled, compiled)) {
          next.set(name, running);
          continue;
        }
        try {
          next.set(name, assemble(compiled));
        } catch (error) {
          failures.push({ compiled, error });
          if (running) next.set(name, running);
        }
      }
      const dropped = serve(next);
      void closeAll(dropped).then(() => {
        for (const skill of dropped) onRetired?.(skill);
      });
      return failures;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    close: () => closeAll(serve(new Map())),
  };
}

function isSame(a: CompiledSkill, b: CompiledSkill): boolean {
  return a.digest === b.digest && a.file === b.file;
}

function nameOf(skill: Skill): string {
  return skill.compiled.definition.name;
}
