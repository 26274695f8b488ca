import { Command, Option } from 'commander';
import { version } from '../version.ts';
import type { ExitCode } from './exit-code.ts';
import { type ExportOptions, exportFormats } from './export-options.ts';
import type { ImportOptions } from './import-options.ts';
import type { Terminal } from './terminal.ts';

/** What a command came to; `done` where none ran, as after `--help`. */
export interface Outcome {
  exitCode: ExitCode;
}

/**
 * Makes the command line's grammar and its help. Each command is imported when it runs, so that no command pays for
 * the start of another.
 *
 * @param outcome where the command that runs leaves its exit code
 */
export function createProgram(terminal: Terminal, outcome: Outcome): Command {
  const program = new Command('skillgate')
    .description('A gateway between Claude and local models: one JSON file makes a model a skill.')
    .version(version, '-V, --version', 'Show the version.')
    .helpOption('-h, --help', 'Show help.')
    .helpCommand('help [command]', 'Show the help of a command.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => terminal.stderr.write(text),
    })
    .showHelpAfterError('(skillgate --help shows what there is)')
    .configureHelp({ showGlobalOptions: false });
  help(program, [
    ['skillgate', 'serve the skills of schemas/skills on http://127.0.0.1:8080'],
    [
      'PORT=9000 SKILLS_DIR=my-skills skillgate serve',
      'serve others elsewhere; .env.example lists all variables',
    ],
    ['skillgate validate && skillgate test', 'check the definitions, then run their examples'],
  ]);
  program.addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong usage, 78 bad configuration or definition.',
  );

  const serve = program
    .command('serve')
    .description('Serve the skills over HTTP (what happens without a command).')
    .action(async () => {
      outcome.exitCode = await (await import('./serve.ts')).serve(terminal);
    });
  help(serve, [
    ['skillgate serve', 'listen on HOST and PORT, by default 127.0.0.1:8080'],
    ['HOST=0.0.0.0 AUTH_API_KEYS=… skillgate serve', 'listen beyond this machine, with keys for callers'],
  ]);

  const worker = program
    .command('worker')
    .description('Run jobs, without HTTP: as many at a time as JOB_CONCURRENCY says.')
    .action(async () => {
      outcome.exitCode = await (await import('./worker.ts')).worker(terminal);
    });
  help(worker, [
    ['skillgate worker', 'run the jobs that the gateways of this machine accept (DATA_DIR)'],
    ['JOB_CONCURRENCY=0 skillgate serve', 'a gateway that leaves its jobs to workers'],
  ]);

  const mcp = program
    .command('mcp')
    .description(
      'Serve the skills as MCP tools over standard input and output, for clients that start a process.',
    )
    .action(async () => {
      outcome.exitCode = await (await import('./mcp.ts')).serveMcp(terminal);
    });
  help(mcp, [
    ['claude mcp add skillgate -- skillgate mcp', 'add the skills of SKILLS_DIR to Claude Code'],
    ['LOG_LEVEL=warn skillgate mcp', 'log less; the log goes to standard error'],
  ]);

  const validate = program
    .command('validate')
    .description(
      'Check every definition: all faults with file, JSON pointer and reason, and what clients would cut.',
    )
    .argument('[dir]', 'the folder; by default SKILLS_DIR')
    .option('--json', 'write JSON, for machines')
    .action(async (directory: string | undefined, options: { json?: boolean }) => {
      outcome.exitCode = await (await import('./validate.ts')).validate(terminal, directory, options);
    });
  help(validate, [
    ['skillgate validate', 'check SKILLS_DIR'],
    ['skillgate validate my-skills --json', 'check another folder, for a machine to read'],
  ]);

  const test = program
    .command('test')
    .description('Run the examples of the definitions on their models, and compare the outputs.')
    .argument('[name]', 'the skill; by default all of them')
    .option('--json', 'write JSON, for machines')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      outcome.exitCode = await (await import('./test.ts')).test(terminal, name, options);
    });
  help(test, [
    ['skillgate test', 'run every example of every skill'],
    ['skillgate test detect_language', 'run those of one'],
  ]);

  const invoke = program
    .command('invoke')
    .description('Call a skill once: its output on standard output, an error on standard error.')
    .argument('<name>', 'the skill')
    .option('-i, --input <json>', 'the input: JSON, @FILE, or - for standard input')
    .action(async (name: string, options: { input?: string }) => {
      outcome.exitCode = await (await import('./invoke.ts')).invoke(terminal, name, options);
    });
  help(invoke, [
    [`skillgate invoke detect_language --input '{"text": "Bonjour tout le monde"}'`, ''],
    ['skillgate invoke detect_language --input @input.json', ''],
    ['cat input.json | skillgate invoke detect_language', ''],
  ]);

  const list = program
    .command('list')
    .description('List the skills of SKILLS_DIR.')
    .option('--json', 'write JSON, for machines')
    .action(async (options: { json?: boolean }) => {
      outcome.exitCode = await (await import('./list.ts')).list(terminal, options);
    });
  help(list, [
    ['skillgate list', 'a table'],
    ["skillgate list --json | jq '.[].name'", 'the names alone'],
  ]);

  const jobs = program
    .command('jobs')
    .description('Look after jobs.')
    .action(() => jobs.help({ error: true }));
  const dead = jobs
    .command('dead')
    .description('Jobs that were given up: they failed in a way that may pass, too often.')
    .action(() => dead.help({ error: true }));
  const listDead = dead
    .command('list')
    .description('List the dead jobs, the newest first, with the reason.')
    .option('--json', 'write JSON, for machines')
    .action(async (options: { json?: boolean }) => {
      outcome.exitCode = await (await import('./jobs.ts')).listDeadJobs(terminal, options);
    });
  const retryDead = dead
    .command('retry')
    .description('Queue dead jobs again, as if they were new.')
    .argument('[ids...]', 'the jobs; by default all of them')
    .action(async (ids: string[]) => {
      outcome.exitCode = await (await import('./jobs.ts')).retryDeadJobs(terminal, ids);
    });
  const deadExamples: readonly Example[] = [
    ['skillgate jobs dead list', 'what was given up, and why'],
    ['skillgate jobs dead retry', 'try all of it again, once the reason is gone'],
  ];
  for (const command of [jobs, dead, listDead, retryDead]) help(command, deadExamples);

  const exporting = program
    .command('export')
    .description('Write skills in a format of Claude: Agent Skills, a plugin, Messages API tools, OpenAPI.')
    .argument('[name]', 'the skill')
    .option('--all', 'every skill of SKILLS_DIR')
    .addOption(new Option('--format <format>', 'what to write').choices(exportFormats).default('skill'))
    .option('-o, --output <path>', 'the folder (skill, plugin) or the file (tools, openapi)')
    .option('--url <url>', 'where the gateway will be found; by default from HOST and PORT')
    .option('--archive', 'write .skill files instead of folders')
    .option('--json', 'write the list of files as JSON, for machines')
    .action(async (name: string | undefined, options: ExportOptions) => {
      outcome.exitCode = await (await import('./export.ts')).exportSkills(terminal, name, options);
    });
  help(exporting, [
    ['skillgate export detect_language -o ~/.claude/skills', 'an Agent Skill where Claude Code finds it'],
    ['skillgate export --all --archive', 'a .skill file for each skill'],
    ['skillgate export --all --format plugin --url https://gateway.example', 'a Claude Code plugin'],
    ['skillgate export --all --format tools | jq length', 'the tools array of the Messages API'],
    ['skillgate export --all --format openapi -o openapi.json', ''],
  ]);

  const importing = program
    .command('import')
    .description('Write definitions out of what a model server tells of its models, or of an ONNX file.')
    .argument('<url>', 'the server, one of its routes, an OpenAPI document, or a path to an .onnx file')
    .option(
      '-m, --model <name>',
      'a model to import, again for several (of an OpenAPI document: a path)',
      also,
    )
    .option('--all', 'import every model of the server')
    .option('-n, --name <name>', 'the name of the skill, where it is one')
    .option('-o, --output <dir>', 'the folder to write to; by default SKILLS_DIR')
    .option('--token-env <variable>', 'the environment variable that holds a bearer token for the server')
    .option('--force', 'replace files that are there')
    .option('--dry-run', 'show the definitions, and write nothing')
    .option('--json', 'write JSON, for machines')
    .action(async (source: string, options: ImportOptions) => {
      outcome.exitCode = await (await import('./import.ts')).importSkills(terminal, source, options);
    });
  help(importing, [
    ['skillgate import http://localhost:8000', 'find out what is there, and import it'],
    ['skillgate import http://localhost:8501 --model half_plus_two', 'TensorFlow Serving lists no models'],
    ['skillgate import http://localhost:11434 --model llama3.2 --name ask_llama', 'one model of Ollama'],
    ['skillgate import http://localhost:8000/openapi.json --dry-run', 'a FastAPI service; only look'],
    ['skillgate import models/iris.onnx', 'a model that the gateway runs itself'],
  ]);

  const keys = program
    .command('keys')
    .description('Make keys for callers.')
    .action(() => keys.help({ error: true }));
  const create = keys
    .command('create')
    .description('Make a key, and its entry for AUTH_API_KEYS. The key is shown once and kept nowhere.')
    .argument('<name>', 'the name of the caller, for logs and limits')
    .option('--skills <names...>', 'the skills that the key covers; by default all')
    .option('--json', 'write JSON, for machines')
    .action(async (name: string, options: { json?: boolean; skills?: string[] }) => {
      outcome.exitCode = (await import('./keys.ts')).createKey(terminal, name, options);
    });
  const keyExamples: readonly Example[] = [
    ['skillgate keys create laptop', 'a key for every skill'],
    ['skillgate keys create web --skills detect_language', 'a key for one skill'],
  ];
  help(keys, keyExamples);
  help(create, keyExamples);

  return program;
}

/** Collects the values of an option that may stand several times. */
function also(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

type Example = readonly [command: string, meaning: string];

function help(command: Command, examples: readonly Example[]): void {
  const lines = examples.map(([line, meaning]) => `  ${line}${meaning && `\n      ${meaning}`}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}
