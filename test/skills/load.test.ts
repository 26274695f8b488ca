import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createSkillLoader, loadSkills } from '../../src/skills/load.ts';
import { plainDefinition, skillsFolder, testProtocols, writeDefinition } from './fixtures.ts';

describe('loadSkills', () => {
  it('compiles every definition, and measures how long each took', async () => {
    const directory = await skillsFolder({
      'b.json': plainDefinition({ name: 'b' }),
      'a.json': plainDefinition({ name: 'a' }),
    });
    const { skills, faults } = await loadSkills({ directory, protocols: testProtocols });
    expect(faults).toEqual([]);
    expect(skills.map(({ file, definition }) => [file, definition.name])).toEqual([
      ['a.json', 'a'],
      ['b.json', 'b'],
    ]);
    for (const { loadSeconds } of skills) {
      expect(loadSeconds).toBeGreaterThan(0);
      expect(loadSeconds).toBeLessThan(5);
    }
  });

  it('tells every fault of every file', async () => {
    const directory = await skillsFolder({
      'broken.json': '{\n  "name": "a",\n}',
      'empty.json': '',
      'good.json': plainDefinition({ name: 'good' }),
      'two.json': plainDefinition({ name: 'Two', version: 'first' }),
    });
    const { skills, faults } = await loadSkills({ directory, protocols: testProtocols });
    expect(skills.map(({ file }) => file)).toEqual(['good.json']);
    expect(faults).toEqual([
      { file: 'broken.json', pointer: '', reason: expect.stringMatching(/^is not JSON: line 3, column 1: /) },
      {
        file: 'empty.json',
        pointer: '',
        reason: 'is not JSON: line 1, column 1: the text ends where a value should be',
      },
      { file: 'two.json', pointer: '/name', reason: expect.stringContaining('must match the pattern') },
      { file: 'two.json', pointer: '/version', reason: expect.stringContaining('must match the pattern') },
    ]);
  });

  it('refuses two skills of one name, on both files', async () => {
    const directory = await skillsFolder({
      'a.json': plainDefinition(),
      'b.json': plainDefinition({ version: '2.0.0' }),
    });
    expect(await loadSkills({ directory, protocols: testProtocols })).toEqual({
      skills: [],
      faults: [
        { file: 'a.json', pointer: '/name', reason: '"local_model_predict" is also the name in b.json' },
        { file: 'b.json', pointer: '/name', reason: '"local_model_predict" is also the name in a.json' },
      ],
    });
  });

  it('passes over hidden files, folders and what is not named .json, and follows links', async () => {
    const directory = await skillsFolder({
      '.hidden.json': '{',
      'notes.txt': 'x',
      'a.json~': '{',
    });
    await mkdir(join(directory, 'folder.json'));
    await mkdir(join(directory, '..data'));
    await writeDefinition(join(directory, '..data'), 'linked.json', plainDefinition());
    await symlink(join('..data', 'linked.json'), join(directory, 'linked.json'));
    const { skills, faults } = await loadSkills({ directory, protocols: testProtocols });
    expect(faults).toEqual([]);
    expect(skills.map(({ file }) => file)).toEqual(['linked.json']);
  });

  it('reads a file with a byte order mark, and refuses one that is not UTF-8', async () => {
    const directory = await skillsFolder({ 'bom.json': `\uFEFF${JSON.stringify(plainDefinition())}` });
    await writeFile(join(directory, 'latin1.json'), Buffer.from([0x7b, 0x22, 0xe9, 0x22, 0x7d]));
    const { skills, faults } = await loadSkills({ directory, protocols: testProtocols });
    expect(skills.map(({ file }) => file)).toEqual(['bom.json']);
    expect(faults).toEqual([{ file: 'latin1.json', pointer: '', reason: 'is not UTF-8 text' }]);
  });

  it('reports a file that cannot be read, and a folder that is not there', async () => {
    const directory = await skillsFolder({});
    await symlink('nowhere.json', join(directory, 'dangling.json'));
    expect((await loadSkills({ directory, protocols: testProtocols })).faults).toEqual([
      { file: 'dangling.json', pointer: '', reason: expect.stringMatching(/^cannot be read: ENOENT/) },
    ]);
    await rm(directory, { recursive: true });
    expect(await loadSkills({ directory, protocols: testProtocols })).toEqual({
      skills: [],
      faults: [{ file: '.', pointer: '', reason: expect.stringMatching(/^cannot be read: ENOENT/) }],
    });
  });

  it('does not compile a file again that reads as before', async () => {
    const directory = await skillsFolder({
      'a.json': plainDefinition({ name: 'a' }),
      'b.json': plainDefinition({ name: 'b' }),
    });
    const loader = createSkillLoader({ directory, protocols: testProtocols });
    const before = await loader.load();
    await writeDefinition(directory, 'b.json', plainDefinition({ name: 'b', version: '2.0.0' }));
    const after = await loader.load();
    expect(after.skills[0]).toBe(before.skills[0]);
    expect(after.skills[1]?.definition.version).toBe('2.0.0');
  });
});
