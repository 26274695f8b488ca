import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checks, type Finding } from './checks.ts';

/** What was found at one door of a server, or why there is nothing to find. */
export interface ServerReport {
  readonly server: string;
  /** The package and its version, and the door: `REST`. */
  readonly source: string;
  /** By the checks, in their order; or why the server could not be started. */
  readonly findings: readonly Finding[] | string;
}

const file = join(import.meta.dirname, '../../docs/interop.md');
const marks = { ok: '✓', fault: '✗', limit: '○' };

/** The reports as a table of Markdown, and what could not be started below it. */
export function renderReports(reports: readonly ServerReport[]): string {
  const rows: string[] = [];
  const missing: string[] = [];
  for (const { server, source, findings } of reports) {
    if (typeof findings === 'string') {
      missing.push(`- **${server}** (${source}): ${findings}`);
    } else {
      const cells = findings.map(({ verdict, found }) => `${marks[verdict]} ${found.replaceAll('|', '\\|')}`);
      rows.push(`| ${server}<br>${source} | ${cells.join(' | ')} |`);
    }
  }
  return [
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
    '',
    `| | ${checks.map(({ name }) => name).join(' | ')} |`,
    `|---|${checks.map(() => '---|').join('')}`,
    ...rows,
    ...(missing.length === 0 ? [] : ['', 'Not started:', '', ...missing]),
  ].join('\n');
}

/** Puts the table between the markers of docs/interop.md. */
export async function keepReports(reports: readonly ServerReport[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const text = await readFile(file, 'utf8');
  const begin = '<!-- table:begin -->';
  const from = text.indexOf(begin);
  const to = text.indexOf('<!-- table:end -->');
  if (from === -1 || to === -1) throw new Error('docs/interop.md has no place for the table');
  await writeFile(
    file,
    `${text.slice(0, from + begin.length)}\n${renderReports(reports)}\n${text.slice(to)}`,
  );
}
