import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const root = join(import.meta.dirname, '..');

/**
 * Writes a generated file; with `--check` on the command line only compares, and fails the process where the file
 * differs.
 *
 * @param path from the repository's root
 */
export async function writeGenerated(path: string, text: string): Promise<void> {
  const file = join(root, path);
  if (!process.argv.includes('--check')) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    return;
  }
  const current = await readFile(file, 'utf8').catch(() => undefined);
  if (current === text) return;
  console.error(`${relative(root, file)} is not what its source says: run \`npm run generate\`.`);
  process.exitCode = 1;
}
