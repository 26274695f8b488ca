import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Target } from './load.ts';
import { apiKey, createRequestSource, skillName } from './requests.ts';
import { benchSkill } from './skill.ts';

export const root = join(import.meta.dirname, '..');

/** The core on which the gateways run. The model server and the load have the other. */
const gatewayCore = '0';

/** A gateway under measurement, in a process of its own on a core of its own. */
export interface Gateway extends Target {
  readonly name: string;
  readonly pid: number;
  /** Time on the processor since it began, in seconds. */
  cpuSeconds(): Promise<number>;
  /** Ends the process in peace. */
  stop(): Promise<void>;
}

/** Starts the bare handler that the gateway is compared with. */
export async function startBareGateway(modelServerPort: number): Promise<Gateway> {
  const port = await freePort();
  const args = [join(root, 'bench/bare-gateway.ts'), String(port), `http://127.0.0.1:${modelServerPort}`];
  const child = spawn('taskset', ['-c', gatewayCore, process.execPath, ...args], {
    env: { PATH: process.env.PATH, NODE_ENV: 'production' },
    stdio: 'inherit',
  });
  return ready(child, 'bare', port);
}

export interface SkillgateOptions {
  /** Options for Node, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** The definition to serve, under the name that requests use; the one of the throughput rows unless said otherwise. */
  readonly skill?: object;
}

/**
 * Starts Skillgate as the image does, from the compiled code: every policy, API key, signed token, logs at info into a
 * file, metrics.
 *
 * @param folder a scratch folder for skill and log
 */
export async function startSkillgate(
  modelServerPort: number,
  folder: string,
  { nodeOptions = [], env = {}, skill = benchSkill(modelServerPort) }: SkillgateOptions = {},
): Promise<Gateway> {
  const port = await freePort();
  const skills = join(folder, 'skills');
  await mkdir(skills, { recursive: true });
  await writeFile(join(skills, `${skillName}.json`), JSON.stringify(skill));
  const log = openSync(join(folder, 'skillgate.log'), 'w');
  const args = [...nodeOptions, join(root, 'dist/main.js'), 'serve'];
  const child = spawn('taskset', ['-c', gatewayCore, process.execPath, ...args], {
    env: {
      PATH: process.env.PATH,
      NODE_ENV: 'production',
      PORT: String(port),
      LOG_LEVEL: 'info',
      SKILLS_DIR: skills,
      DATA_DIR: join(folder, 'data'),
      AUTH_API_KEYS: `bench:${createHash('sha256').update(apiKey).digest('hex')}`,
      UPSTREAM_JWT_SECRET: 'a secret of more than thirty-two bytes, for the benchmark',
      ...env,
    },
    stdio: ['ignore', log, 'inherit'],
  });
  return ready(child, 'skillgate', port);
}

async function ready(child: ChildProcess, name: string, port: number): Promise<Gateway> {
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} could not be started`);
  // However the benchmark ends, nothing of it stays behind.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  const path = `/skills/${skillName}`;
  await firstAnswer(child, name, port, path);
  return {
    name,
    pid,
    port,
    path,
    async cpuSeconds() {
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
      // Fields 14 and 15 of proc(5), in ticks of 10 ms; the name before them may hold blanks.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / 100;
    },
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function firstAnswer(child: ChildProcess, name: string, port: number, path: string): Promise<void> {
  const request = createRequestSource(path).miss().toString('utf8');
  const body = request.slice(request.indexOf('\r\n\r\n') + 4);
  let last = 'nothing';
  const deadline = performance.now() + 10_000;
  while (performance.now() < deadline && child.exitCode === null) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body,
      });
      last = `${response.status} ${await response.text()}`;
      if (response.status === 200) return;
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  child.kill('SIGKILL');
  throw new Error(`${name} did not answer: ${last}`);
}

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
