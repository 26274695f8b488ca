import type { Environment } from '../config/secret-sources.ts';
import { type Output, plainLine, styled } from './terminal.ts';

/**
 * Writes a table for people: columns of the width of their longest cell, two blanks between them. On a terminal the
 * last column is cut at its edge; elsewhere nothing is lost.
 */
export function writeTable(
  output: Output,
  env: Environment,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): void {
  const plainRows = rows.map((row) => row.map(plainLine));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...plainRows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) => {
    const text = cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
    return output.isTTY && output.columns !== undefined ? cut(text, output.columns) : text;
  };
  output.write(`${styled('bold', line(head), output, env)}\n`);
  for (const row of plainRows) output.write(`${line(row)}\n`);
}

/** Cuts a text to so many characters, and shows that it was cut. */
export function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1).trimEnd()}…`;
}
