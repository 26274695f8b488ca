import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type App, createApp } from '../src/app.ts';
import { loadConfig } from '../src/config/load-config.ts';
import type { LogFields, Logger } from '../src/contracts/logger.ts';

/** A definition as a person writes it: what the contract requires, and whatever the test is about. */
export interface WrittenDefinition {
  readonly name: string;
  readonly endpoint: Readonly<Record<string, unknown>> & { readonly url: string };
  readonly [field: string]: unknown;
}

/** A definition like the contract's own example, pointing at `url`. */
export function definitionOf(url: string, more: Readonly<Record<string, unknown>> = {}): WrittenDefinition {
  return {
    name: 'local_model_predict',
    description: 'Call local NLP model for text processing',
    input_schema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    output_schema: {
      type: 'object',
      properties: { prediction: { type: 'string' }, confidence: { type: 'number' } },
    },
    endpoint: { url: `${url}/predict`, method: 'POST' },
    ...more,
  };
}

/** One line of the log. */
export interface LogLine {
  readonly level: keyof Logger;
  readonly event: string;
  readonly fields: LogFields;
}

export interface RunningApp {
  readonly app: App;
  readonly url: string;
  /** The folder of the definitions, to edit while the gateway runs. */
  readonly skillsDir: string;
  readonly log: readonly LogLine[];
  /** Calls the contract's example skill, or another path, with a JSON body. */
  post(input: unknown, options?: PostOptions): Promise<Response>;
}

export interface PostOptions {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/**
 * Starts the whole gateway on a free port with these definitions, and closes it when the test ends.
 *
 * @param env variables beside HOST, PORT, SKILLS_DIR and DATA_DIR
 */
export async function startApp(
  definitions: readonly WrittenDefinition[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunningApp> {
  const skillsDir = await mkdtemp(join(tmpdir(), 'skillgate-skills-'));
  for (const definition of definitions) await writeDefinition(skillsDir, definition);
  const { logger, log } = recordingLogger();
  const dataDir = await mkdtemp(join(tmpdir(), 'skillgate-data-'));
  const config = loadConfig({ PORT: '0', SKILLS_DIR: skillsDir, DATA_DIR: dataDir, ...env });
  const app = await createApp({ config, logger });
  onTestFinished(async () => {
    await app.close(0);
    for (const folder of [skillsDir, dataDir]) await rm(folder, { recursive: true });
  });
  const url = await app.listen();
  return {
    app,
    url,
    skillsDir,
    log,
    post: (input, { path = '/skills/local_model_predict', headers = {}, signal } = {}) =>
      fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: typeof input === 'string' ? input : JSON.stringify(input),
        ...(signal && { signal }),
      }),
  };
}

/** Writes a definition to the folder, under its name. */
export function writeDefinition(skillsDir: string, definition: WrittenDefinition): Promise<void> {
  return writeFile(join(skillsDir, `${definition.name}.json`), JSON.stringify(definition));
}

/** A log that the test can read. */
function recordingLogger(): { readonly logger: Logger; readonly log: LogLine[] } {
  const log: LogLine[] = [];
  const write = (level: keyof Logger) => (fields: LogFields, event: string) =>
    void log.push({ level, event, fields });
  return {
    logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    log,
  };
}

/** The JSON body of an answer, of the shape that the test is about to check. */
export async function readJson<Body>(response: Response | Promise<Response>): Promise<Body> {
  return (await (await response).json()) as Body;
}
