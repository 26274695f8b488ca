import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** Absolute paths of the files under a folder whose names end in `suffix`, sorted. */
export async function filesUnder(folder: string, suffix: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
