import { execFile, spawn } from 'node:child_process';
import { chmod, copyFile, cp, mkdir, readFile } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { type Instruction, parseDockerfile, parseDockerignore, parseExecForm } from './dockerfile.ts';

/** What a Dockerfile makes, with its last stage's root as a folder of this machine. */
export interface Image {
  readonly root: string;
  /** A folder that holds the image's Node, and nothing else. */
  readonly bin: string;
  readonly workdir: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly user: number;
  readonly stopSignal: NodeJS.Signals;
  readonly command: readonly string[];
  readonly healthcheck: readonly string[];
}

interface Stage {
  readonly root: string;
  workdir: string;
  environment: Record<string, string>;
  user: number;
  stopSignal: NodeJS.Signals;
  command: string[];
  healthcheck: string[];
}

/** Variables of this machine that an install needs to reach its registry. */
const network =
  /^(HOME|TMPDIR|(https?|no)_proxy|NODE_EXTRA_CA_CERTS|npm_config_(registry|userconfig|cache))$/i;

/**
 * Does what `docker build` would do, on folders instead of file systems: every stage's root is a folder, base images
 * are this machine with this Node, and RUN lines run in the folder that WORKDIR maps to.
 *
 * @param repository the folder with Dockerfile and .dockerignore
 * @param scratch an empty folder for the stages
 * @throws Error where a RUN line fails, or where the Dockerfile uses what this cannot do
 */
export async function buildImage(repository: string, scratch: string): Promise<Image> {
  // The image's user is not the one who builds.
  await chmod(scratch, 0o755);
  const context = join(scratch, 'context');
  const ignored = parseDockerignore(await readFile(join(repository, '.dockerignore'), 'utf8'));
  await cp(repository, context, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => source === repository || !ignored(relative(repository, source)),
  });
  const bin = join(scratch, 'bin');
  await mkdir(bin);
  await copyFile(process.execPath, join(bin, 'node'));

  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const instruction of parseDockerfile(await readFile(join(repository, 'Dockerfile'), 'utf8'))) {
    if (instruction.keyword === 'FROM') {
      const [, , name = `stage-${stages.size}`] = instruction.rest.split(/\s+/);
      stage = emptyStage(join(scratch, 'stages', name));
      stages.set(name, stage);
    } else if (stage === undefined) throw new Error(`${instruction.keyword} before FROM`);
    else await apply(instruction, stage, { bin, context, stages });
  }
  if (stage === undefined) throw new Error('no stage');
  return { ...stage, bin };
}

/** The environment in which a container of the image runs its command, with the image's own Node and nothing else. */
export function containerEnvironment(image: Image, overrides: Record<string, string>): NodeJS.ProcessEnv {
  return { ...image.environment, PATH: image.bin, ...overrides };
}

/** Starts a program of the image as the image's user, where this process may change users. */
export function spawnInImage(
  image: Image,
  [program = '', ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
) {
  return spawn(program, args, {
    cwd: join(image.root, image.workdir),
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 && { uid: image.user, gid: image.user }),
  });
}

function emptyStage(root: string): Stage {
  return {
    root,
    workdir: '/',
    environment: {},
    user: 0,
    stopSignal: 'SIGTERM',
    command: [],
    healthcheck: [],
  };
}

interface Build {
  readonly bin: string;
  readonly context: string;
  readonly stages: ReadonlyMap<string, Stage>;
}

async function apply({ keyword, flags, rest }: Instruction, stage: Stage, build: Build): Promise<void> {
  switch (keyword) {
    case 'WORKDIR':
      stage.workdir = rest;
      await mkdir(join(stage.root, rest), { recursive: true });
      return;
    case 'ENV':
      for (const [, name = '', value = ''] of rest.matchAll(/(\w+)=(\S*)/g)) stage.environment[name] = value;
      return;
    case 'COPY': {
      const paths = rest.split(/\s+/);
      const source = flags.from === undefined ? build.context : build.stages.get(flags.from)?.root;
      if (source === undefined) throw new Error(`COPY from an unknown stage ${flags.from}`);
      const destination = join(stage.root, stage.workdir, paths.at(-1) ?? '');
      for (const path of paths.slice(0, -1)) await copy(join(source, path), destination);
      return;
    }
    case 'RUN':
      await runLine(rest, stage, build);
      return;
    case 'USER':
      stage.user = Number.parseInt(rest, 10);
      return;
    case 'STOPSIGNAL':
      stage.stopSignal = signalNamed(rest);
      return;
    case 'CMD':
      stage.command = parseExecForm(rest);
      return;
    case 'HEALTHCHECK':
      stage.healthcheck = parseExecForm(rest.replace(/^CMD\s+/, ''));
      return;
    case 'EXPOSE':
    case 'VOLUME':
      return;
    default:
      throw new Error(`this stand-in for Docker does not know ${keyword}`);
  }
}

function signalNamed(name: string): NodeJS.Signals {
  const signal = (['SIGTERM', 'SIGINT', 'SIGQUIT'] as const).find((known) => known === name);
  if (signal === undefined) throw new Error(`${name} is not a signal to stop with`);
  return signal;
}

async function copy(source: string, destination: string): Promise<void> {
  const target = destination.endsWith('/') ? join(destination, basename(source)) : destination;
  await cp(source, target, { recursive: true, verbatimSymlinks: true });
}

async function runLine(line: string, stage: Stage, { bin }: Build): Promise<void> {
  const machine = Object.entries(process.env).filter(([name]) => network.test(name));
  await promisify(execFile)('/bin/sh', ['-c', line], {
    cwd: join(stage.root, stage.workdir),
    env: {
      ...Object.fromEntries(machine),
      ...stage.environment,
      PATH: `${bin}:${process.env.PATH}`,
    },
    maxBuffer: 16 * 1024 * 1024,
  });
}
