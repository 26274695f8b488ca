import { loadConfig } from '../config/load-config.ts';
import { protocols } from '../protocols.ts';
import { loadSkills } from '../skills/load.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { writeFaults } from './faults.ts';
import { cut, writeTable } from './table.ts';
import { type Terminal, writeJson } from './terminal.ts';

export interface ListOptions {
  readonly json?: boolean;
}

/** `skillgate list`: the skills of SKILLS_DIR, and the faults of those that cannot be served. */
export async function list(terminal: Terminal, { json = false }: ListOptions): Promise<ExitCode> {
  const { skillsDir } = loadConfig(terminal.env, { listens: false });
  const { skills, faults } = await loadSkills({ directory: skillsDir, protocols });
  const rows = skills
    .map(({ file, definition: { name, version, description, endpoint } }) => ({
      name,
      version,
      protocol: endpoint.protocol,
      model_server: endpoint.url,
      description,
      file,
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  if (json) writeJson(terminal.stdout, rows);
  else if (rows.length === 0) terminal.stdout.write(`There are no skills in ${skillsDir}.\n`);
  else {
    writeTable(
      terminal.stdout,
      terminal.env,
      ['NAME', 'VERSION', 'PROTOCOL', 'MODEL SERVER', 'DESCRIPTION'],
      rows.map((row) => [row.name, row.version, row.protocol, row.model_server, cut(row.description, 60)]),
    );
  }
  if (faults.length === 0) return exitCode.done;
  writeFaults(terminal, faults);
  return exitCode.failed;
}
