import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { UsageError } from './exit-code.ts';

/** A file to write. */
export interface FileContent {
  /** Relative to the folder, or absolute. */
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly isExecutable: boolean;
}

/**
 * Writes files, and the folders that they need.
 *
 * @returns the absolute paths
 * @throws UsageError where one cannot be written
 */
export async function writeFiles(folder: string, files: readonly FileContent[]): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { path, content, isExecutable } of files) {
    const target = resolve(folder, path);
    try {
      await mkdir(dirname(target), { recursive: true });
      await writeFile(target, content);
      if (isExecutable) await chmod(target, 0o755);
    } catch (error) {
      throw new UsageError(`${target} cannot be written: ${error instanceof Error ? error.message : error}`, {
        cause: error,
      });
    }
    paths.push(target);
  }
  return paths;
}
