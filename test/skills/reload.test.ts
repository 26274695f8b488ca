import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSkillLoader } from '../../src/skills/load.ts';
import { createRegistry } from '../../src/skills/registry.ts';
import { skillsAfterReload } from '../../src/skills/reload.ts';
import { plainDefinition, skillsFolder, testProtocols, writeDefinition } from './fixtures.ts';
import { standInSkill } from './stand-in-skill.ts';

/** The folder's skills in a registry, as the gateway reloads them. */
function sourceOf(directory: string) {
  const registry = createRegistry({ assemble: standInSkill, onCloseError: () => undefined });
  const loader = createSkillLoader({ directory, protocols: testProtocols });
  const reload = async () => {
    const loaded = await loader.load();
    const running = registry.list().map(({ compiled }) => compiled);
    registry.apply(skillsAfterReload(running, loaded));
    return loaded.faults;
  };
  const served = () =>
    Object.fromEntries(
      registry.list().map(({ compiled: { definition } }) => [definition.name, definition.version]),
    );
  return { reload, served };
}

const versioned = (name: string, version: string) => plainDefinition({ name, version });

describe('a reload', () => {
  it('keeps the skill of a file that is broken later, and takes the changes of the others', async () => {
    const directory = await skillsFolder({
      'a.json': versioned('a', '1.0.0'),
      'b.json': versioned('b', '1.0.0'),
    });
    const { reload, served } = sourceOf(directory);
    expect(await reload()).toEqual([]);
    await writeDefinition(directory, 'a.json', '{"name": ');
    await writeDefinition(directory, 'b.json', versioned('b', '2.0.0'));
    expect(await reload()).toEqual([expect.objectContaining({ file: 'a.json' })]);
    expect(served()).toEqual({ a: '1.0.0', b: '2.0.0' });
    await writeDefinition(directory, 'a.json', versioned('a', '3.0.0'));
    expect(await reload()).toEqual([]);
    expect(served()).toEqual({ a: '3.0.0', b: '2.0.0' });
  });

  it('goes on with the first of two skills of one name', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0') });
    const { reload, served } = sourceOf(directory);
    await reload();
    await writeDefinition(directory, 'copy.json', versioned('a', '2.0.0'));
    expect((await reload()).map(({ file }) => file)).toEqual(['a.json', 'copy.json']);
    expect(served()).toEqual({ a: '1.0.0' });
  });

  it('gives a name to the good file that has it now, not to the broken one that had it', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0') });
    const { reload, served } = sourceOf(directory);
    await reload();
    await writeDefinition(directory, 'a.json', '{');
    await writeDefinition(directory, 'b.json', versioned('a', '2.0.0'));
    await reload();
    expect(served()).toEqual({ a: '2.0.0' });
  });

  it('changes nothing when the folder is gone', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0') });
    const { reload, served } = sourceOf(directory);
    await reload();
    await rm(directory, { recursive: true });
    expect(await reload()).toEqual([expect.objectContaining({ file: '.' })]);
    expect(served()).toEqual({ a: '1.0.0' });
  });

  it('keeps the skill of a file that was renamed before it was broken', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0') });
    const { reload, served } = sourceOf(directory);
    await reload();
    await rename(join(directory, 'a.json'), join(directory, 'b.json'));
    await reload();
    await writeDefinition(directory, 'b.json', '{');
    await reload();
    expect(served()).toEqual({ a: '1.0.0' });
  });

  it('serves, after any edits, each good file as it is and each broken one as it last was', async () => {
    const edit = fc.record({
      file: fc.constantFrom('a', 'b', 'c'),
      to: fc.oneof(
        fc.constant('gone'),
        fc.constant('broken'),
        fc.nat(9).map((minor) => `1.${minor}.0`),
      ),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(edit, { maxLength: 3 }), { maxLength: 6 }), async (rounds) => {
        const directory = await skillsFolder({});
        const { reload, served } = sourceOf(directory);
        await reload();
        const files = new Map<string, string>();
        const expected = new Map<string, string>();
        for (const edits of rounds) {
          for (const { file, to } of edits) {
            files.set(file, to);
            if (to === 'gone') await rm(join(directory, `${file}.json`), { force: true });
            else
              await writeDefinition(directory, `${file}.json`, to === 'broken' ? '{' : versioned(file, to));
          }
          for (const [file, to] of files) {
            if (to === 'gone') expected.delete(file);
            else if (to !== 'broken') expected.set(file, to);
          }
          const faults = await reload();
          expect(faults.map(({ file }) => file).sort()).toEqual(
            [...files].flatMap(([file, to]) => (to === 'broken' ? [`${file}.json`] : [])).sort(),
          );
          expect(served()).toEqual(Object.fromEntries(expected));
        }
      }),
      { numRuns: 30 },
    );
  });
});
