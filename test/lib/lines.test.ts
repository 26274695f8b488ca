import { expect, it } from 'vitest';
import { createLineReader } from '../../src/lib/lines.ts';

function linesOf(...pieces: readonly string[]): string[] {
  const lines: string[] = [];
  const reader = createLineReader((line) => lines.push(line));
  for (const piece of pieces) reader.push(Buffer.from(piece, 'latin1'));
  reader.end();
  return lines;
}

it.each<[readonly string[], readonly string[]]>([
  [['a\nb\n'], ['a', 'b']],
  [['a\nb'], ['a', 'b']],
  [
    ['a\r', '\nb\n'],
    ['a', 'b'],
  ],
  [
    ['a\r', '\r', 'b'],
    ['a', '', 'b'],
  ],
  [
    ['a', 'b\n\n'],
    ['ab', ''],
  ],
  [['\xC3', '\xA9\n'], ['é']],
  [['\xFF\n'], ['\uFFFD']],
  [['\xC3'], ['\uFFFD']],
  [[''], []],
])('%j are the lines %j', (pieces, lines) => {
  expect(linesOf(...pieces)).toEqual(lines);
});
