import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';

/** A line of the table. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  /** What is asked of it; empty where the row only informs. */
  readonly target?: string;
  readonly met?: boolean;
}

/** The rows as a Markdown table, under a line that says where and when they were measured. */
export function renderReport(rows: readonly Row[], notes: readonly string[]): string {
  const date = new Date().toISOString().slice(0, 10);
  const [cpu] = cpus();
  const lines = [
    `${date}, ${cpu?.model.trim()} (${cpus().length} cores), Node ${process.versions.node}`,
    '',
    '| | measured | target | |',
    '|---|---|---|---|',
    ...rows.map(({ what, measured, target = '', met }) => {
      const verdict = met === undefined ? '' : met ? '✓' : '✗';
      return `| ${what} | ${measured} | ${target} | ${verdict} |`;
    }),
  ];
  if (notes.length > 0) lines.push('', ...notes.map((note) => `- ${note}`));
  return lines.join('\n');
}

/** Puts a report between the markers of its section in bench/README.md. */
export async function keepReport(section: string, report: string): Promise<void> {
  const file = join(import.meta.dirname, 'README.md');
  const text = await readFile(file, 'utf8');
  const begin = `<!-- ${section}:begin -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(`<!-- ${section}:end -->`);
  if (from === -1 || to === -1) throw new Error(`bench/README.md has no section ${section}`);
  await writeFile(file, `${text.slice(0, from + begin.length)}\n${report}\n${text.slice(to)}`);
}
