import type { CompiledSkill, Skill } from '../../src/contracts/skill.ts';
import { compileGood, plainDefinition } from './fixtures.ts';

/** A compiled skill of this name; the version tells its forms apart. */
export function compiledSkill(name: string, version = '1.0.0', file = `${name}.json`): CompiledSkill {
  return { ...compileGood(plainDefinition({ name, version })), file, loadSeconds: 0.001 };
}

/** A skill that is never called, and tells when it is closed. */
export function standInSkill(compiled: CompiledSkill, onClose: () => void = () => undefined): Skill {
  return {
    compiled,
    handle: () => Promise.reject(new Error('not called here')),
    check: () => Promise.reject(new Error('not called here')),
    readiness: {
      current: undefined,
      nextProbeMs: 0,
      changed: () => Promise.reject(new Error('not asked here')),
      suspect: () => undefined,
    },
    meter: {
      invocation: () => undefined,
      attempt: () => undefined,
      batch: () => undefined,
      cacheRequest: () => undefined,
    },
    gauges: { inFlight: 0, queued: 0, circuit: 'closed' },
    close: async () => onClose(),
  };
}
