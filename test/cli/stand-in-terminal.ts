import type { ExitCode } from '../../src/cli/exit-code.ts';
import { runCommandLine } from '../../src/cli/run.ts';
import type { Output } from '../../src/cli/terminal.ts';

export interface CommandResult {
  readonly exitCode: ExitCode;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandSurroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** What comes in on standard input; undefined for a person's keyboard. */
  readonly stdin?: string;
  /** The width of the terminal to which the command writes; undefined for a file. */
  readonly columns?: number;
}

/** Runs a command in this process, with an environment and streams of its own. */
export async function runCommand(
  args: readonly string[],
  { env = {}, stdin, columns }: CommandSurroundings = {},
): Promise<CommandResult> {
  const stdout = output(columns);
  const stderr = output(columns);
  const exitCode = await runCommandLine(args, { env, stdin: input(stdin), stdout, stderr });
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

function output(columns: number | undefined): Output & { text(): string } {
  const pieces: string[] = [];
  return {
    write: (text) => pieces.push(text),
    text: () => pieces.join(''),
    ...(columns !== undefined && { isTTY: true, columns }),
  };
}

function input(text: string | undefined) {
  return {
    isTTY: text === undefined,
    async *[Symbol.asyncIterator]() {
      if (text !== undefined) yield Buffer.from(text);
    },
  };
}
