import { describe, expect, it, vi } from 'vitest';
import type { CompiledSkill } from '../../src/contracts/skill.ts';
import { createRegistry } from '../../src/skills/registry.ts';
import { compiledSkill, standInSkill } from './stand-in-skill.ts';

function registryWithLog(refuse: (compiled: CompiledSkill) => boolean = () => false) {
  const log: string[] = [];
  const label = ({ definition: { name, version } }: CompiledSkill) => `${name} ${version}`;
  const registry = createRegistry({
    assemble: (compiled) => {
      if (refuse(compiled)) throw new Error(`no ${label(compiled)}`);
      log.push(`assemble ${label(compiled)}`);
      return standInSkill(compiled, () => log.push(`close ${label(compiled)}`));
    },
    onCloseError: (skill, error) => log.push(`close failed ${label(skill.compiled)} ${error}`),
  });
  const versions = () => registry.list().map(({ compiled }) => label(compiled));
  return { registry, log, versions };
}

describe('the registry', () => {
  it('serves what it was given, in alphabetical order', () => {
    const { registry, versions } = registryWithLog();
    registry.apply([compiledSkill('b'), compiledSkill('a')]);
    expect(versions()).toEqual(['a 1.0.0', 'b 1.0.0']);
    expect(registry.get('a')?.compiled.definition.name).toBe('a');
    expect(registry.get('c')).toBeUndefined();
    expect(registry.get('constructor')).toBeUndefined();
  });

  it('keeps a skill that did not change, puts a changed one together anew, and closes what it no longer serves', async () => {
    const { registry, log, versions } = registryWithLog();
    registry.apply([compiledSkill('kept'), compiledSkill('changed'), compiledSkill('removed')]);
    const kept = registry.get('kept');
    log.length = 0;
    registry.apply([compiledSkill('kept'), compiledSkill('changed', '2.0.0'), compiledSkill('added')]);
    await vi.waitFor(() => expect(log).toHaveLength(4));
    expect(log).toEqual([
      'assemble changed 2.0.0',
      'assemble added 1.0.0',
      'close changed 1.0.0',
      'close removed 1.0.0',
    ]);
    expect(versions()).toEqual(['added 1.0.0', 'changed 2.0.0', 'kept 1.0.0']);
    expect(registry.get('kept')).toBe(kept);
  });

  it('keeps the old form of a skill that cannot be put together, and says so', () => {
    let isBroken = false;
    const { registry, versions } = registryWithLog(({ definition }) => isBroken && definition.name !== 'b');
    registry.apply([compiledSkill('a')]);
    isBroken = true;
    const failures = registry.apply([compiledSkill('a', '2.0.0'), compiledSkill('b'), compiledSkill('c')]);
    expect(failures.map(({ compiled, error }) => [compiled.file, String(error)])).toEqual([
      ['a.json', 'Error: no a 2.0.0'],
      ['c.json', 'Error: no c 1.0.0'],
    ]);
    expect(versions()).toEqual(['a 1.0.0', 'b 1.0.0']);
  });

  it('tells its listeners of changes, and of nothing else', () => {
    const { registry } = registryWithLog();
    const listener = vi.fn();
    const end = registry.onChange(listener);
    registry.apply([compiledSkill('a')]);
    registry.apply([compiledSkill('a')]);
    expect(listener).toHaveBeenCalledTimes(1);
    registry.apply([compiledSkill('a', '2.0.0')]);
    registry.apply([]);
    expect(listener).toHaveBeenCalledTimes(3);
    end();
    registry.apply([compiledSkill('a')]);
    expect(listener).toHaveBeenCalledTimes(3);
  });

  it('gives the same list until something changes', () => {
    const { registry } = registryWithLog();
    registry.apply([compiledSkill('a')]);
    expect(registry.list()).toBe(registry.list());
  });

  it('closes every skill and then has none', async () => {
    const { registry, log } = registryWithLog();
    registry.apply([compiledSkill('a'), compiledSkill('b')]);
    log.length = 0;
    await registry.close();
    expect(log).toEqual(['close a 1.0.0', 'close b 1.0.0']);
    expect(registry.list()).toEqual([]);
  });

  it('reports a skill that fails to close', async () => {
    const onCloseError = vi.fn();
    const registry = createRegistry({
      assemble: (compiled) =>
        standInSkill(compiled, () => {
          throw new Error('stuck');
        }),
      onCloseError,
    });
    registry.apply([compiledSkill('a')]);
    await registry.close();
    expect(onCloseError).toHaveBeenCalledWith(expect.anything(), new Error('stuck'));
  });
});
