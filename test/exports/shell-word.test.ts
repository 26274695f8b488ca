import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shellWord } from '../../src/exports/shell-word.ts';

it('is one word to a shell, and the same text, whatever the text contains', () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom("'", '"', '\\', '$(id)', '`id`', ';', '\n', ' ', '*', 'é', '-', '!') }),
    fc.string({ unit: 'grapheme' }),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (texts) => {
      fc.pre(texts.every((each) => !each.includes('\0')));
      const output = execFileSync('sh', ['-c', `printf '%s\\0' ${texts.map(shellWord).join(' ')}`]);
      expect(output.toString('utf8').split('\0').slice(0, -1)).toEqual(texts);
    }),
    { numRuns: 50 },
  );
});
