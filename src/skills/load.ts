import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Protocol } from '../contracts/adapter.ts';
import type { CompiledSkill } from '../contracts/skill.ts';
import { type CompileDefinition, createDefinitionCompiler } from './compile.ts';
import type { DefinitionFault, SkillFault } from './fault.ts';
import { parseJsonText } from './json-text.ts';

export interface SkillLoaderOptions {
  /** SKILLS_DIR: every `*.json` directly in it is a definition; names that begin with a dot are passed over. */
  readonly directory: string;
  readonly protocols: readonly Protocol[];
}

/** What a look at SKILLS_DIR found. */
export interface LoadedSkills {
  /** The skills without faults, in alphabetical order of their files. */
  readonly skills: readonly CompiledSkill[];
  /** Every fault of every file. */
  readonly faults: readonly SkillFault[];
}

export interface SkillLoader {
  /**
   * Reads and compiles every definition. A file that reads as it did last time is not compiled again. What is wrong
   * with the folder or a file is a fault in the result; nothing is thrown for it.
   */
  load(): Promise<LoadedSkills>;
}

/** What one file gave: a skill, or faults. */
interface FileOutcome {
  readonly text: string;
  readonly skill: CompiledSkill | undefined;
  readonly faults: readonly SkillFault[];
}

/** Makes a loader that remembers what it compiled. */
export function createSkillLoader({ directory, protocols }: SkillLoaderOptions): SkillLoader {
  const compile = createDefinitionCompiler(protocols);
  let known = new Map<string, FileOutcome>();

  return {
    async load() {
      let files: string[];
      try {
        files = await definitionFiles(directory);
      } catch (error) {
        return { skills: [], faults: [{ file: '.', pointer: '', reason: unreadable(error) }] };
      }
      const outcomes = new Map<string, FileOutcome>();
      for (const file of files) {
        outcomes.set(file, await readDefinition(join(directory, file), file, compile, known.get(file)));
      }
      known = outcomes;
      return withoutSharedNames([...outcomes.values()]);
    },
  };
}

/** Reads SKILLS_DIR once. */
export function loadSkills(options: SkillLoaderOptions): Promise<LoadedSkills> {
  return createSkillLoader(options).load();
}

async function definitionFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
    .sort();
}

async function readDefinition(
  path: string,
  file: string,
  compile: CompileDefinition,
  before: FileOutcome | undefined,
): Promise<FileOutcome> {
  const start = performance.now();
  const outcome = (text: string, faults: readonly DefinitionFault[], skill?: CompiledSkill): FileOutcome => ({
    text,
    skill,
    faults: faults.map((fault) => ({ file, ...fault })),
  });
  let text: string;
  try {
    text = decodeUtf8(await readFile(path));
  } catch (error) {
    return outcome('', [{ pointer: '', reason: unreadable(error) }]);
  }
  if (before?.text === text) return before;

  const parsed = parseJsonText(text);
  if ('fault' in parsed) {
    const { line, column, message } = parsed.fault;
    return outcome(text, [
      { pointer: '', reason: `is not JSON: line ${line}, column ${column}: ${message}` },
    ]);
  }
  const result = compile(parsed.value);
  if ('faults' in result) return outcome(text, result.faults);
  const loadSeconds = (performance.now() - start) / 1000;
  return outcome(text, [], { ...result.compiled, file, loadSeconds });
}

/** @throws TypeError where the bytes are not UTF-8; a byte order mark is left out */
function decodeUtf8(bytes: Buffer): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

function unreadable(error: unknown): string {
  if (error instanceof TypeError) return 'is not UTF-8 text';
  if (error instanceof Error) return `cannot be read: ${error.message}`;
  throw error;
}

/** Neither of two skills of one name can be the right one. */
function withoutSharedNames(outcomes: readonly FileOutcome[]): LoadedSkills {
  const skills = outcomes.flatMap(({ skill }) => skill ?? []);
  const byName = Map.groupBy(skills, ({ definition }) => definition.name);
  const nameFaults = skills.flatMap(({ file, definition: { name } }): SkillFault[] => {
    const others = (byName.get(name) ?? []).filter((other) => other.file !== file);
    if (others.length === 0) return [];
    const otherFiles = others.map((other) => other.file).join(', ');
    return [{ file, pointer: '/name', reason: `${JSON.stringify(name)} is also the name in ${otherFiles}` }];
  });
  return {
    skills: skills.filter(({ definition }) => byName.get(definition.name)?.length === 1),
    faults: [...outcomes.flatMap(({ faults }) => faults), ...nameFaults],
  };
}
