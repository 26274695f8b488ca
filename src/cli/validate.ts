import { resolve } from 'node:path';
import { loadConfig } from '../config/load-config.ts';
import { protocols } from '../protocols.ts';
import { loadSkills } from '../skills/load.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { writeFaults } from './faults.ts';
import { styled, type Terminal, writeJson } from './terminal.ts';

export interface ValidateOptions {
  readonly json?: boolean;
}

/**
 * `skillgate validate [DIR]`: checks every definition without reaching a model.
 *
 * @param directory by default SKILLS_DIR
 */
export async function validate(
  terminal: Terminal,
  directory: string | undefined,
  { json = false }: ValidateOptions,
): Promise<ExitCode> {
  const folder = resolve(directory ?? loadConfig(terminal.env, { listens: false }).skillsDir);
  const { skills, faults } = await loadSkills({ directory: folder, protocols });
  const { stdout, env } = terminal;
  if (json) {
    const found = skills.map(({ file, definition: { name, version } }) => ({ file, name, version }));
    writeJson(stdout, { directory: folder, skills: found, faults });
  } else if (faults.length > 0) {
    writeFaults(terminal, faults);
  } else if (skills.length === 0) {
    stdout.write(`There are no definitions (*.json) in ${folder}.\n`);
  } else {
    const count = `${skills.length} ${skills.length === 1 ? 'skill' : 'skills'}`;
    stdout.write(`${styled('green', 'ok', stdout, env)}: ${count} in ${folder}, no faults.\n`);
  }
  return faults.length > 0 ? exitCode.failed : exitCode.done;
}
