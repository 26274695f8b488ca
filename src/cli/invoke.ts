import { readFile } from 'node:fs/promises';
import { toSkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import { toProblem } from '../contracts/problem.ts';
import { findShapeFault } from '../lib/json-shape.ts';
import { parseJsonText } from '../skills/json-text.ts';
import { type ExitCode, exitCode, UsageError } from './exit-code.ts';
import { callSkill, waitWhileLoading, withGateway } from './one-shot-gateway.ts';
import { type Terminal, writeJson } from './terminal.ts';

export interface InvokeOptions {
  /** JSON, `@FILE`, or `-` for standard input. */
  readonly input?: string;
}

/**
 * `skillgate invoke NAME`: calls a skill through the same pipeline as a request, without HTTP. Standard output gets the
 * skill's output and nothing else; an error goes to standard error as a problem object.
 *
 * @throws UsageError where the input cannot be read
 */
export async function invoke(terminal: Terminal, name: string, { input }: InvokeOptions): Promise<ExitCode> {
  const value = await readInput(terminal, input);
  return withGateway(terminal, async (gateway) => {
    const skill = gateway.catalog.get(name);
    if (skill) await waitWhileLoading(skill);
    const { requestId, reply } = callSkill(gateway, name, value);
    try {
      terminal.stdout.write(`${(await reply).json}\n`);
      return exitCode.done;
    } catch (error) {
      writeJson(terminal.stderr, toProblem(toSkillgateError(error), requestId));
      return exitCode.failed;
    }
  });
}

async function readInput({ stdin }: Terminal, input: string | undefined): Promise<JsonValue> {
  const { text, origin } = await readText(stdin, input);
  const parsed = parseJsonText(text);
  if ('fault' in parsed) {
    const { line, column, message } = parsed.fault;
    throw new UsageError(`${origin} is not JSON: line ${line}, column ${column}: ${message}`);
  }
  const fault = findShapeFault(parsed.value);
  if (fault) throw new UsageError(`${origin} ${fault.message}`);
  return parsed.value;
}

async function readText(stdin: Terminal['stdin'], input: string | undefined) {
  if (input?.startsWith('@')) {
    const path = input.slice(1);
    try {
      return { text: await readFile(path, 'utf8'), origin: path };
    } catch (error) {
      throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : error}`);
    }
  }
  if (input !== undefined && input !== '-') return { text: input, origin: '--input' };
  if (input === undefined && stdin.isTTY) {
    throw new UsageError("an input is missing: --input '{…}', --input @FILE, or JSON on standard input");
  }
  const pieces: Uint8Array[] = [];
  for await (const piece of stdin) pieces.push(typeof piece === 'string' ? Buffer.from(piece) : piece);
  return { text: Buffer.concat(pieces).toString('utf8'), origin: 'standard input' };
}
