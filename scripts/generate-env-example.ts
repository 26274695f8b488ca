/**
 * Writes .env.example and docs/configuration.md from the table of variables. With `--check` writes nothing, and exits
 * with 1 where a file is out of step.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderConfigurationPage, renderEnvExample } from '../src/config/render.ts';

const root = join(import.meta.dirname, '..');
const documents: readonly (readonly [path: string, text: string])[] = [
  ['.env.example', renderEnvExample()],
  ['docs/configuration.md', renderConfigurationPage()],
];

const check = process.argv.includes('--check');
for (const [path, text] of documents) {
  const file = join(root, path);
  if (!check) await writeFile(file, text);
  else if ((await readFile(file, 'utf8')) !== text) {
    console.error(`${path} is out of step with src/config/variables.ts: run npm run generate`);
    process.exitCode = 1;
  }
}
