import { toSkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import { type Problem, toProblem } from '../contracts/problem.ts';
import type { Skill } from '../contracts/skill.ts';
import type { SkillExample } from '../contracts/skill-definition.ts';
import type { Gateway } from '../gateway.ts';
import { type ExitCode, exitCode, UsageError } from './exit-code.ts';
import { callSkill, waitWhileLoading, withGateway } from './one-shot-gateway.ts';
import { findDifferences, type OutputDifference } from './output-difference.ts';
import { cut, writeTable } from './table.ts';
import { styled, type Terminal, writeJson } from './terminal.ts';

export interface TestOptions {
  readonly json?: boolean;
}

/** What became of one example. */
interface ExampleResult {
  readonly skill: string;
  /** Its place among the skill's examples, from 1. */
  readonly example: number;
  readonly ok: boolean;
  readonly duration_ms: number;
  readonly differences: readonly OutputDifference[];
  readonly error?: Problem;
}

/**
 * `skillgate test [NAME]`: runs the examples of the definitions through the same pipeline as a request, without HTTP
 * and past the cache.
 *
 * @param name the skill; all of them where it is left out
 * @throws UsageError where there is no such skill
 */
export function test(
  terminal: Terminal,
  name: string | undefined,
  { json = false }: TestOptions,
): Promise<ExitCode> {
  return withGateway(terminal, async (gateway) => {
    const skills = chosenSkills(gateway, name);
    const results: ExampleResult[] = [];
    for (const skill of skills) results.push(...(await runExamples(gateway, skill)));
    if (json) writeJson(terminal.stdout, results);
    else writeResults(terminal, results);
    return results.every(({ ok }) => ok) ? exitCode.done : exitCode.failed;
  });
}

function chosenSkills({ catalog }: Gateway, name: string | undefined): readonly Skill[] {
  if (name === undefined) return catalog.list();
  const skill = catalog.get(name);
  if (skill) return [skill];
  const names = catalog.list().map(({ compiled }) => compiled.definition.name);
  throw new UsageError(`there is no skill ${name}; there are: ${names.join(', ') || 'none'}`);
}

async function runExamples(gateway: Gateway, skill: Skill): Promise<ExampleResult[]> {
  const { name, examples } = skill.compiled.definition;
  if (examples.length > 0) await waitWhileLoading(skill);
  const results: ExampleResult[] = [];
  for (const [index, example] of examples.entries()) {
    const start = performance.now();
    const outcome = await runExample(gateway, name, example);
    results.push({
      skill: name,
      example: index + 1,
      ok: outcome.error === undefined && outcome.differences.length === 0,
      duration_ms: Math.round((performance.now() - start) * 10) / 10,
      ...outcome,
    });
  }
  return results;
}

async function runExample(
  gateway: Gateway,
  skill: string,
  { input, output }: SkillExample,
): Promise<Pick<ExampleResult, 'differences' | 'error'>> {
  const { requestId, reply } = callSkill(gateway, skill, input);
  try {
    const actual: JsonValue = JSON.parse((await reply).json);
    return { differences: output === undefined ? [] : findDifferences(output, actual) };
  } catch (error) {
    return { differences: [], error: toProblem(toSkillgateError(error), requestId) };
  }
}

function writeResults({ stdout, env }: Terminal, results: readonly ExampleResult[]): void {
  if (results.length === 0) {
    stdout.write('There are no examples to run.\n');
    return;
  }
  const rows = results.flatMap((result) => {
    const [first = '', ...others] = detailsOf(result);
    const { skill, example, ok, duration_ms: duration } = result;
    return [
      [skill, String(example), ok ? 'ok' : 'failed', String(duration), first],
      ...others.map((detail) => ['', '', '', '', detail]),
    ];
  });
  writeTable(stdout, env, ['SKILL', 'EXAMPLE', 'RESULT', 'MS', 'DETAIL'], rows);
  const failed = results.filter(({ ok }) => !ok).length;
  const summary = failed === 0 ? `${results.length} ok` : `${failed} of ${results.length} failed`;
  stdout.write(`${styled(failed === 0 ? 'green' : 'red', summary, stdout, env)}\n`);
}

function detailsOf({ differences, error }: ExampleResult): string[] {
  if (error) {
    const faults = (error.errors ?? []).map(({ pointer, message }) => `${pointer || '(all)'} ${message}`);
    return [`${error.code}: ${error.detail}`, ...faults];
  }
  return differences.map(({ pointer, expected, actual }) => {
    const found = actual === undefined ? 'nothing' : cut(JSON.stringify(actual), 60);
    return `${pointer || '(all)'} is ${found}, not ${cut(JSON.stringify(expected), 60)}`;
  });
}
