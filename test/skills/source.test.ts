import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSkillLoader } from '../../src/skills/load.ts';
import { createRegistry } from '../../src/skills/registry.ts';
import { createSkillSource } from '../../src/skills/source.ts';
import { plainDefinition, skillsFolder, testProtocols, writeDefinition } from './fixtures.ts';
import { standInSkill } from './stand-in-skill.ts';

function sourceOf(directory: string) {
  const registry = createRegistry({ assemble: standInSkill, onCloseError: () => undefined });
  const loader = createSkillLoader({ directory, protocols: testProtocols });
  const source = createSkillSource({ loader, registry });
  const served = () =>
    Object.fromEntries(
      registry.list().map(({ compiled: { definition } }) => [definition.name, definition.version]),
    );
  return { registry, source, served };
}

const versioned = (name: string, version: string) => plainDefinition({ name, version });

describe('a skill source', () => {
  it('serves nothing at first where any file has a fault', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0'), 'b.json': '{' });
    const { source, served } = sourceOf(directory);
    expect(await source.load()).toEqual([expect.objectContaining({ file: 'b.json' })]);
    expect(served()).toEqual({});
  });

  it('keeps the skill of a file that is broken later, and takes the changes of the others', async () => {
    const directory = await skillsFolder({
      'a.json': versioned('a', '1.0.0'),
      'b.json': versioned('b', '1.0.0'),
    });
    const { source, served } = sourceOf(directory);
    expect(await source.load()).toEqual([]);
    await writeDefinition(directory, 'a.json', '{"name": ');
    await writeDefinition(directory, 'b.json', versioned('b', '2.0.0'));
    expect(await source.reload()).toEqual([expect.objectContaining({ file: 'a.json' })]);
    expect(served()).toEqual({ a: '1.0.0', b: '2.0.0' });
    await writeDefinition(directory, 'a.json', versioned('a', '3.0.0'));
    expect(await source.reload()).toEqual([]);
    expect(served()).toEqual({ a: '3.0.0', b: '2.0.0' });
  });

  it('goes on with the first of two skills of one name', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0') });
    const { source, served } = sourceOf(directory);
    await source.load();
    await writeDefinition(directory, 'copy.json', versioned('a', '2.0.0'));
    expect((await source.reload()).map(({ file }) => file)).toEqual(['a.json', 'copy.json']);
    expect(served()).toEqual({ a: '1.0.0' });
  });

  it('gives a name to the good file that has it now, not to the broken one that had it', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0') });
    const { source, served } = sourceOf(directory);
    await source.load();
    await writeDefinition(directory, 'a.json', '{');
    await writeDefinition(directory, 'b.json', versioned('a', '2.0.0'));
    await source.reload();
    expect(served()).toEqual({ a: '2.0.0' });
  });

  it('changes nothing when the folder is gone', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0') });
    const { source, served } = sourceOf(directory);
    await source.load();
    await rm(directory, { recursive: true });
    expect(await source.reload()).toEqual([expect.objectContaining({ file: '.' })]);
    expect(served()).toEqual({ a: '1.0.0' });
  });

  it('reports a skill that cannot be put together as a fault of its file', async () => {
    const directory = await skillsFolder({ 'a.json': versioned('a', '1.0.0') });
    const registry = createRegistry({
      assemble: () => {
        throw new Error('the variable MODEL_TOKEN is not set');
      },
      onCloseError: () => undefined,
    });
    const loader = createSkillLoader({ directory, protocols: testProtocols });
    expect(await createSkillSource({ loader, registry }).load()).toEqual([
      { file: 'a.json', pointer: '', reason: 'cannot be put together: the variable MODEL_TOKEN is not set' },
    ]);
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
        const { source, served } = sourceOf(directory);
        await source.load();
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
          const faults = await source.reload();
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
