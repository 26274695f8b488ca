import { CommanderError } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { SkillgateError } from '../contracts/errors.ts';
import { JobBackendError } from '../contracts/jobs.ts';
import { type ExitCode, exitCode, UsageError } from './exit-code.ts';
import { writeFaults } from './faults.ts';
import { createProgram, type Outcome } from './program.ts';
import { styled, type Terminal } from './terminal.ts';

/**
 * Runs a command line, and tells on standard error what went wrong.
 *
 * @param args without the names of Node and of the script
 */
export async function runCommandLine(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const outcome: Outcome = { exitCode: exitCode.done };
  try {
    await createProgram(terminal, outcome).parseAsync(withCommand(args), { from: 'user' });
    return outcome.exitCode;
  } catch (error) {
    return report(error, terminal);
  }
}

const globalOptions = new Set(['-h', '--help', '-V', '--version']);

/** Without a command the gateway serves. */
function withCommand(args: readonly string[]): string[] {
  const [first] = args;
  const hasCommand = first !== undefined && (!first.startsWith('-') || globalOptions.has(first));
  return hasCommand ? [...args] : ['serve', ...args];
}

async function report(error: unknown, terminal: Terminal): Promise<ExitCode> {
  const { stderr, env } = terminal;
  const say = (text: string) => stderr.write(`${styled('red', 'error', stderr, env)}: ${text}\n`);
  if (error instanceof CommanderError) {
    // Commander has said what there was to say.
    return error.exitCode === 0 ? exitCode.done : exitCode.wrongUsage;
  }
  if (error instanceof UsageError) {
    say(error.message);
    return exitCode.wrongUsage;
  }
  if (error instanceof ConfigError) {
    say('the environment does not make a configuration');
    for (const { name, reason } of error.faults) stderr.write(`  ${name} ${reason}\n`);
    return exitCode.badConfiguration;
  }
  if (error instanceof JobBackendError) {
    say(error.message);
    return exitCode.badConfiguration;
  }
  if (error instanceof SkillgateError) {
    say(error.message);
    return exitCode.failed;
  }
  // Only a command that had loaded the gateway can fail like this.
  const { SkillsError } = await import('../gateway.ts');
  if (error instanceof SkillsError) {
    say('the skill definitions have faults');
    writeFaults(terminal, error.faults);
    return exitCode.badConfiguration;
  }
  const { ListenError } = await import('./serve.ts');
  if (error instanceof ListenError) say(error.message);
  else say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  return exitCode.failed;
}
