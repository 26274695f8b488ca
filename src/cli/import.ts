import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { type Config, loadConfig } from '../config/load-config.ts';
import type { JsonObject, JsonValue } from '../contracts/json.ts';
import { ImportError } from '../importers/import-error.ts';
import type { Hint, Imported, Omission } from '../importers/imported-skill.ts';
import { uniqueNames } from '../importers/names.ts';
import { sampleInput } from '../importers/sample-input.ts';
import { protocols } from '../protocols.ts';
import { createDefinitionCompiler } from '../skills/compile.ts';
import { loadSkills } from '../skills/load.ts';
import { type ExitCode, exitCode, UsageError } from './exit-code.ts';
import { isOnnxFile, readOnnxFile } from './import-onnx.ts';
import type { ImportOptions, Source } from './import-options.ts';
import { readServer } from './import-server.ts';
import { writeTable } from './table.ts';
import { plainLine, styled, type Terminal, writeJson } from './terminal.ts';

/** A definition that passes the checks, and the file it belongs to. */
interface Draft {
  readonly name: string;
  /** Absolute path. */
  readonly file: string;
  readonly definition: JsonObject;
  readonly hints: readonly Hint[];
  /** An input that fits, where one can be made up. */
  readonly sample: JsonValue | undefined;
}

/**
 * `skillgate import URL`: makes definitions out of what a model server tells of its models, or out of an ONNX file. A
 * definition that would not pass `skillgate validate` is not written.
 *
 * @throws UsageError where the command line has to say more
 */
export async function importSkills(
  terminal: Terminal,
  source: string,
  options: ImportOptions,
): Promise<ExitCode> {
  const config = loadConfig(terminal.env, { listens: false });
  const directory = resolve(options.output ?? config.skillsDir);
  try {
    const read = await readSource(source, directory, config, options);
    const { drafts, omissions } = await draft(read, directory, options);
    if (drafts.length === 0) throw nothingLeft(omissions);
    if (!options.dryRun) await writeDrafts(drafts, directory, options.force === true);
    report(terminal, { source, read, drafts, omissions }, options);
    return exitCode.done;
  } catch (error) {
    if (!(error instanceof ImportError)) throw error;
    if (error.isUsage) throw new UsageError(error.message);
    const { stdout, stderr, env } = terminal;
    if (options.json) writeJson(stdout, { source, error: error.message });
    else stderr.write(`${styled('red', 'error', stderr, env)}: ${error.message}\n`);
    return exitCode.failed;
  }
}

function readSource(
  source: string,
  directory: string,
  config: Config,
  options: ImportOptions,
): Promise<Source> {
  return isOnnxFile(source) ? readOnnxFile(source, directory) : readServer(source, config, options);
}

/** Gives every skill a name and a file of its own, and holds it to the checks of `skillgate validate`. */
async function draft(
  { skills, omissions }: Imported,
  directory: string,
  { name, force, dryRun, tokenEnv }: ImportOptions,
): Promise<{ readonly drafts: readonly Draft[]; readonly omissions: readonly Omission[] }> {
  if (name !== undefined && skills.length > 1) {
    throw new UsageError(`--name is for one skill, and there are ${skills.length}; --model chooses`);
  }
  const names = name === undefined ? uniqueNames(skills.map(({ definition }) => definition.name)) : [name];
  const compile = createDefinitionCompiler(protocols);
  const drafts: Draft[] = [];
  const refused: Omission[] = [];
  for (const [index, skill] of skills.entries()) {
    const own = names[index] ?? skill.definition.name;
    const definition: JsonObject = {
      ...(existsSync(join(directory, '../skill.schema.json')) && { $schema: '../skill.schema.json' }),
      ...skill.definition,
      name: own,
      ...(tokenEnv !== undefined && { auth: { type: 'bearer', token_env: tokenEnv } }),
    };
    // The check fills in defaults, which need not stand in the file.
    const checked = compile(structuredClone(definition));
    if ('compiled' in checked) {
      const sample = sampleInput(skill.definition.input_schema);
      const fits = sample !== undefined && checked.compiled.validateInput(sample).length === 0;
      const file = join(directory, `${own}.json`);
      drafts.push({ name: own, file, definition, hints: skill.hints, sample: fits ? sample : undefined });
      continue;
    }
    const faults = checked.faults.map(({ pointer, reason }) => `${pointer || '(the file)'} ${reason}`);
    refused.push({ what: own, reason: `would not pass the checks: ${faults.join('; ')}` });
  }
  if (!dryRun) await refuseTaken(drafts, directory, force === true);
  return { drafts, omissions: [...omissions, ...refused] };
}

/** @throws ImportError where a file, or a skill of the same name in another file, is there already */
async function refuseTaken(drafts: readonly Draft[], directory: string, force: boolean): Promise<void> {
  if (!existsSync(directory)) return;
  const { skills } = await loadSkills({ directory, protocols });
  const fileOf = new Map(skills.map(({ file, definition }) => [definition.name, join(directory, file)]));
  for (const { name, file } of drafts) {
    const other = fileOf.get(name);
    if (other !== undefined && other !== file) {
      throw new ImportError(`${shown(other)} has a skill ${name} already: choose another name with --name.`);
    }
    if (existsSync(file) && !force) {
      throw new ImportError(
        `${shown(file)} is there already: --force replaces it, --name writes another. Nothing was written.`,
      );
    }
  }
}

async function writeDrafts(drafts: readonly Draft[], directory: string, force: boolean): Promise<void> {
  try {
    await mkdir(directory, { recursive: true });
    for (const { file, definition } of drafts) {
      const text = `${JSON.stringify(definition, undefined, 2)}\n`;
      await writeFile(file, text, { flag: force ? 'w' : 'wx' });
    }
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ImportError(`The definition cannot be written: ${error.message}`);
  }
}

function nothingLeft(omissions: readonly Omission[]): ImportError {
  const reasons = omissions.map(({ what, reason }) => `\n  ${what} ${reason}`);
  return new ImportError(`Nothing can be imported:${reasons.join('') || ' there is nothing'}`);
}

interface Result {
  readonly source: string;
  readonly read: Source;
  readonly drafts: readonly Draft[];
  readonly omissions: readonly Omission[];
}

function report(
  terminal: Terminal,
  { source, read, drafts, omissions }: Result,
  { dryRun = false, json = false }: ImportOptions,
): void {
  const { stdout, stderr, env } = terminal;
  if (json) {
    const skills = drafts.map(({ name, file, definition, hints }) => ({
      name,
      file,
      definition,
      to_fill_in: hints,
    }));
    const tried = read.tried.map(({ route, looksFor, outcome }) => ({ route, looks_for: looksFor, outcome }));
    writeJson(stdout, { source, kind: read.kind, tried, dry_run: dryRun, skills, omissions });
    return;
  }
  // Standard output holds the definitions alone, so that it can be piped.
  const output = dryRun ? stderr : stdout;
  if (dryRun) {
    const [only] = drafts;
    writeJson(
      stdout,
      drafts.length === 1 && only ? only.definition : drafts.map(({ definition }) => definition),
    );
  }
  output.write(`${plainLine(source)}: ${read.kind}\n\n`);
  const rows = drafts.map(({ name, file }) => [name, dryRun ? `${shown(file)} (not written)` : shown(file)]);
  writeTable(output, env, ['SKILL', 'FILE'], rows);
  writeList(terminal, output, 'To fill in', hintLines(drafts));
  writeList(
    terminal,
    output,
    'Left out',
    omissions.map(({ what, reason }) => `${what} ${reason}`),
  );
  if (!dryRun) writeNext(output, drafts);
}

/** The command with which the first of the skills can be tried. */
function writeNext(output: Terminal['stdout'], [first]: readonly Draft[]): void {
  if (first === undefined) return;
  const sample = first.sample === undefined ? undefined : JSON.stringify(first.sample);
  const isShown = sample !== undefined && sample.length <= 200 && !/['\p{Cc}]/u.test(sample);
  output.write(`\nTry it: skillgate invoke ${first.name} --input '${isShown ? sample : '{…}'}'\n`);
}

/** What several skills have in common is said once. */
function hintLines(drafts: readonly Draft[]): string[] {
  const byText = Map.groupBy(
    drafts.flatMap(({ name, hints }) => hints.map((hint) => ({ name, ...hint }))),
    ({ pointer, text }) => `${pointer} ${text}`,
  );
  return [...byText.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const names =
      others.length + 1 === drafts.length ? 'all' : [first, ...others].map(({ name }) => name).join(', ');
    return [`${drafts.length > 1 ? `${names}: ` : ''}${first.pointer}\n      ${first.text}`];
  });
}

function writeList(
  { env }: Terminal,
  output: Terminal['stdout'],
  title: string,
  lines: readonly string[],
): void {
  if (lines.length === 0) return;
  output.write(`\n${styled('bold', `${title}:`, output, env)}\n`);
  for (const line of lines) {
    const [head = '', ...rest] = line.split('\n').map(plainLine);
    output.write(`  ${head}\n`);
    for (const part of rest) output.write(`      ${part}\n`);
  }
}

/** A path as a person in this folder would write it. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}
