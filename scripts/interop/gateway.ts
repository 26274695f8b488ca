import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../bench/gateways.ts';
import type { JsonValue } from '../../src/contracts/json.ts';
import type { Question, WrittenSkill } from './model-server.ts';
import { type Background, startBackground } from './processes.ts';
import { cacheFolder } from './python.ts';
import { waitFor } from './wait.ts';

const root = join(import.meta.dirname, '../..');

/** What a caller of the gateway gets. */
export interface Answer {
  readonly status: number;
  /** The error's code; undefined where there is an output. */
  readonly code: string | undefined;
  readonly body: JsonValue;
  readonly retryAfter: string | null;
}

/** The gateway, as a process of its own. */
export interface Gateway {
  ask(question: Question, signal?: AbortSignal): Promise<Answer>;
  /** The state of a skill's model, as the gateway knows it. */
  stateOf(skill: string): Promise<string>;
  stop(): Promise<void>;
}

/**
 * Starts the gateway with these definitions.
 *
 * @param name of the folder that holds them and the log
 */
export async function startGateway(name: string, skills: readonly WrittenSkill[]): Promise<Gateway> {
  const folder = join(cacheFolder, 'run', name);
  const skillsFolder = join(folder, 'skills');
  await rm(skillsFolder, { recursive: true, force: true });
  await mkdir(skillsFolder, { recursive: true });
  for (const skill of skills) {
    await writeFile(join(skillsFolder, `${skill.name}.json`), JSON.stringify(skill, null, 2));
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const background: Background = await startBackground({
    program: process.execPath,
    args: [join(root, 'src/main.ts'), 'serve'],
    env: { PORT: String(port), SKILLS_DIR: skillsFolder, DATA_DIR: join(folder, 'data') },
    cwd: root,
    log: join(folder, 'gateway.log'),
  });
  await waitFor(`${url}/livez`, background);
  return {
    async ask({ skill, input }, signal = AbortSignal.timeout(60_000)) {
      const response = await fetch(`${url}/skills/${skill}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(input),
        signal,
      });
      const body: JsonValue = JSON.parse(await response.text());
      return {
        status: response.status,
        code: response.ok ? undefined : String(memberOf(body, 'code')),
        body,
        retryAfter: response.headers.get('retry-after'),
      };
    },
    async stateOf(skill) {
      const response = await fetch(`${url}/skills/${skill}/ready`);
      const body: JsonValue = JSON.parse(await response.text());
      return String(memberOf(body, 'state'));
    },
    stop: () => background.stop(),
  };
}

function memberOf(value: JsonValue, name: string): JsonValue | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? value[name] : undefined;
}
