import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Protocol } from '../../src/contracts/adapter.ts';
import type { JsonObject, JsonValue } from '../../src/contracts/json.ts';
import { createDefinitionCompiler } from '../../src/skills/compile.ts';
import type { DefinitionFault } from '../../src/skills/fault.ts';

/** The definition that CONTRACT.md shows: nothing but what has to be there. */
export function plainDefinition(changes: JsonObject = {}): JsonObject {
  return {
    name: 'local_model_predict',
    description: 'Call local NLP model for text processing',
    input_schema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
    output_schema: {
      type: 'object',
      properties: { prediction: { type: 'string' }, confidence: { type: 'number' } },
    },
    endpoint: { url: 'http://localhost:8000/predict', method: 'POST' },
    ...changes,
  };
}

/** Two protocols as adapters declare them; nothing here calls a model. */
export const testProtocols: readonly Protocol[] = [
  {
    name: 'http',
    optionsSchema: { type: 'object', additionalProperties: false, properties: {} },
    create: refuseToCreate,
  },
  {
    name: 'rows',
    optionsSchema: {
      type: 'object',
      additionalProperties: false,
      properties: {
        format: { type: 'string', enum: ['row', 'column'], default: 'row' },
        signature: { type: 'string' },
      },
    },
    check: ({ endpoint }) =>
      endpoint.model === undefined ? [{ pointer: '/endpoint', reason: 'rows needs a model' }] : [],
    create: refuseToCreate,
  },
];

function refuseToCreate(): never {
  throw new Error('these tests do not call models');
}

const compile = createDefinitionCompiler(testProtocols);

/** Compiles a definition that has to be good. */
export function compileGood(definition: JsonValue) {
  const result = compile(definition);
  if ('faults' in result) throw new Error(`unexpected faults: ${JSON.stringify(result.faults)}`);
  return result.compiled;
}

/** The faults of a definition; none where it is good. */
export function faultsOf(definition: JsonValue): readonly DefinitionFault[] {
  const result = compile(definition);
  return 'faults' in result ? result.faults : [];
}

/** An empty folder, gone after the test. */
export async function dataFolder(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skillgate-data-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A folder with these files, gone after the test. A text is written as it is, anything else as JSON. */
export async function skillsFolder(files: Record<string, JsonValue>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skillgate-skills-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) await writeDefinition(directory, name, content);
  return directory;
}

/** Writes one file of a folder, in place. */
export function writeDefinition(directory: string, name: string, content: JsonValue): Promise<void> {
  return writeFile(join(directory, name), typeof content === 'string' ? content : JSON.stringify(content));
}
