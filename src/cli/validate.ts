import { resolve } from 'node:path';
import { loadConfig } from '../config/load-config.ts';
import { protocols } from '../protocols.ts';
import { findClientWarnings, type SkillWarning } from '../skills/client-warnings.ts';
import { loadSkills } from '../skills/load.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { writeFaults } from './faults.ts';
import { plainLine, styled, type Terminal, writeJson } from './terminal.ts';

export interface ValidateOptions {
  readonly json?: boolean;
}

/**
 * `skillgate validate [DIR]`: checks every definition without reaching a model, and warns where some client would refuse
 * or cut what it says. Warnings fail nothing.
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
  const warnings = skills.flatMap((skill) =>
    findClientWarnings(skill).map((warning): SkillWarning => ({ file: skill.file, ...warning })),
  );
  const { stdout, env } = terminal;
  if (json) {
    const found = skills.map(({ file, definition: { name, version } }) => ({ file, name, version }));
    writeJson(stdout, { directory: folder, skills: found, faults, warnings });
  } else if (faults.length > 0) {
    writeFaults(terminal, faults);
  } else if (skills.length === 0) {
    stdout.write(`There are no definitions (*.json) in ${folder}.\n`);
  } else {
    const count = `${skills.length} ${skills.length === 1 ? 'skill' : 'skills'}`;
    stdout.write(`${styled('green', 'ok', stdout, env)}: ${count} in ${folder}, no faults.\n`);
  }
  if (!json && warnings.length > 0) writeWarnings(terminal, warnings);
  return faults.length > 0 ? exitCode.failed : exitCode.done;
}

/** Lists the warnings for people, on standard error: nothing is cut, since the end says what to do. */
function writeWarnings({ stderr, env }: Terminal, warnings: readonly SkillWarning[]): void {
  for (const { file, pointer, reason, instead } of warnings) {
    stderr.write(`${styled('bold', plainLine(`${file} ${pointer}`), stderr, env)}\n`);
    stderr.write(`  ${plainLine(reason)}\n  better: ${plainLine(instead)}\n`);
  }
  stderr.write(`${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}.\n`);
}
