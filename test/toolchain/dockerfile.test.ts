import { expect, it } from 'vitest';
import { parseDockerfile, parseDockerignore, parseExecForm } from './dockerfile.ts';

it('joins continued lines and reads flags', () => {
  expect(
    parseDockerfile('# comment\nFROM a AS b\nRUN one \\\n    two\nCOPY --from=b --chown=1:1 /x ./y\n'),
  ).toEqual([
    { keyword: 'FROM', flags: {}, rest: 'a AS b' },
    { keyword: 'RUN', flags: {}, rest: 'one two' },
    { keyword: 'COPY', flags: { from: 'b', chown: '1:1' }, rest: '/x ./y' },
  ]);
});

it('refuses a command in shell form', () => {
  expect(() => parseExecForm('node dist/main.js')).toThrow();
});

it.each([
  ['src', false],
  ['src/app.ts', false],
  ['.git', true],
  ['.git/config', true],
  ['test/app.test.ts', true],
  ['src/deep/notes.md', true],
])('keeps to .dockerignore: %s', (path, ignored) => {
  expect(parseDockerignore('# only\n*\n!src\n**/*.md\n')(path)).toBe(ignored);
});
