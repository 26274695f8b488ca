import { type Config, loadConfig } from '../config/load-config.ts';
import type { ExportedFile, SkillExports } from '../contracts/exports.ts';
import type { CompiledSkill } from '../contracts/skill.ts';
import { toPlugin } from '../exports/plugin.ts';
import { createSkillExports } from '../exports/skill-exports.ts';
import { isLoopbackHost } from '../lib/loopback.ts';
import { protocols } from '../protocols.ts';
import { loadSkills } from '../skills/load.ts';
import { version } from '../version.ts';
import { type ExitCode, exitCode, UsageError } from './exit-code.ts';
import type { ExportOptions } from './export-options.ts';
import { type Terminal, writeJson } from './terminal.ts';
import { type FileContent, writeFiles } from './write-files.ts';

/**
 * `skillgate export NAME|--all`: writes skills in a format of Claude's side. Documents go to standard output unless a
 * file is named. What stands in the way of a file is overwritten; nothing is removed.
 *
 * @throws UsageError where it is not clear what to export, SkillsError where a definition has faults
 */
export async function exportSkills(
  terminal: Terminal,
  name: string | undefined,
  options: ExportOptions,
): Promise<ExitCode> {
  if ((name !== undefined) === (options.all === true)) throw new UsageError('name one skill, or --all');
  if (options.archive && options.format !== 'skill')
    throw new UsageError('--archive goes with --format skill');
  const config = loadConfig(terminal.env, { listens: false });
  const gatewayUrl = options.url === undefined ? listeningUrl(config) : gatewayUrlOf(options.url);
  const loaded = await goodSkills(config);
  const chosen = name === undefined ? loaded : [skillNamed(name, loaded)];
  const names = loaded.map(({ definition }) => definition.name);
  const formats = createSkillExports(version);
  const agentSkills = () => chosen.map((skill) => formats.agentSkill(skill, names, gatewayUrl));

  switch (options.format) {
    case 'tools':
      return exportTools(terminal, chosen, formats, options);
    case 'openapi':
      await writeDocument(terminal, formats.openApi(chosen, gatewayUrl), options);
      return exitCode.done;
    case 'plugin': {
      const files = toContents(toPlugin(agentSkills(), gatewayUrl, version), '');
      await writeAndTell(terminal, options.output ?? 'skillgate-plugin', files, options);
      return exitCode.done;
    }
    case 'skill': {
      const files = agentSkills().flatMap((skill): FileContent[] =>
        options.archive
          ? [{ path: `${skill.name}.skill`, content: formats.archive(skill), isExecutable: false }]
          : toContents(skill.files, `${skill.name}/`),
      );
      await writeAndTell(terminal, options.output ?? '.', files, options);
      return exitCode.done;
    }
  }
}

/** @throws SkillsError where a definition has faults */
async function goodSkills({ skillsDir }: Config): Promise<readonly CompiledSkill[]> {
  const { skills, faults } = await loadSkills({ directory: skillsDir, protocols });
  if (faults.length > 0) throw new (await import('../gateway.ts')).SkillsError(faults);
  return skills.toSorted((a, b) => (a.definition.name < b.definition.name ? -1 : 1));
}

function skillNamed(name: string, skills: readonly CompiledSkill[]): CompiledSkill {
  const skill = skills.find(({ definition }) => definition.name === name);
  if (skill) return skill;
  const names = skills.map(({ definition }) => definition.name).join(', ');
  throw new UsageError(`there is no skill ${name}; there are: ${names || 'none'}`);
}

/** Where a client on this machine, or elsewhere, finds a gateway that listens as the configuration says. */
function listeningUrl({ host, port }: Config): string {
  const isAnyAddress = host === '0.0.0.0' || host === '::';
  const name = isAnyAddress || isLoopbackHost(host) ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

function gatewayUrlOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new UsageError(`--url takes the gateway's http or https address, not ${JSON.stringify(text)}`);
  }
  return url.href.replace(/\/$/, '');
}

async function exportTools(
  terminal: Terminal,
  skills: readonly CompiledSkill[],
  formats: SkillExports,
  options: ExportOptions,
): Promise<ExitCode> {
  const tools = formats.tools(skills);
  const exported = new Set(tools.map((tool) => tool.name));
  const left = skills.map(({ definition }) => definition.name).filter((name) => !exported.has(name));
  await writeDocument(terminal, tools, options);
  for (const name of left) {
    terminal.stderr.write(
      `${name} was left out: the Messages API refuses the names of its properties. skillgate validate says which.\n`,
    );
  }
  return left.length === 0 ? exitCode.done : exitCode.failed;
}

async function writeDocument(terminal: Terminal, value: unknown, options: ExportOptions): Promise<void> {
  if (options.output === undefined) return writeJson(terminal.stdout, value);
  const content = `${JSON.stringify(value, undefined, 2)}\n`;
  await writeAndTell(terminal, '.', [{ path: options.output, content, isExecutable: false }], options);
}

function toContents(files: readonly ExportedFile[], prefix: string): FileContent[] {
  return files.map(({ path, text, isExecutable }) => ({
    path: prefix + path,
    content: text,
    isExecutable,
  }));
}

/** Writes the files, and says which. */
async function writeAndTell(
  { stdout }: Terminal,
  folder: string,
  contents: readonly FileContent[],
  { json = false }: ExportOptions,
): Promise<void> {
  const files = await writeFiles(folder, contents);
  if (json) writeJson(stdout, { files });
  else for (const file of files) stdout.write(`${file}\n`);
}
