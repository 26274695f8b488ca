import type { SkillFault } from '../skills/fault.ts';
import { writeTable } from './table.ts';
import type { Terminal } from './terminal.ts';

/** Lists the faults of definitions for people, on standard error. */
export function writeFaults({ stderr, env }: Terminal, faults: readonly SkillFault[]): void {
  writeTable(
    stderr,
    env,
    ['FILE', 'POINTER', 'REASON'],
    faults.map(({ file, pointer, reason }) => [file, pointer || '(the file)', reason]),
  );
  stderr.write(`${faults.length} ${faults.length === 1 ? 'fault' : 'faults'}.\n`);
}
