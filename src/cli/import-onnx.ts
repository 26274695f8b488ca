import { basename, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { startModelThread } from '../adapters/onnx/thread.ts';
import { SkillgateError } from '../contracts/errors.ts';
import { ImportError } from '../importers/import-error.ts';
import { importOnnx } from '../importers/onnx.ts';
import type { Source } from './import-options.ts';

/** Whether a source is a file rather than a server. */
export function isOnnxFile(source: string): boolean {
  return source.startsWith('file:') || (!/^[a-z][a-z0-9+.-]*:\/\//i.test(source) && /\.onnx$/i.test(source));
}

/**
 * Loads a model as the gateway would, and reads what it says of its inputs and outputs.
 *
 * @param directory the folder of the definition, to which its `file:` URL is relative
 * @throws ImportError where the model cannot be loaded
 */
export async function readOnnxFile(source: string, directory: string): Promise<Source> {
  const path = source.startsWith('file:') ? pathOf(source) : resolve(source);
  const thread = startModelThread({ path, threads: 1, outputs: undefined });
  try {
    const signature = await thread.loaded;
    const url = `file:${relative(directory, path).split(sep).map(encodeURIComponent).join('/')}`;
    return { kind: 'ONNX file', tried: [], ...importOnnx(signature, { fileName: basename(path), url }) };
  } catch (error) {
    if (error instanceof SkillgateError) throw new ImportError(error.message);
    throw error;
  } finally {
    await thread.close();
  }
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(new URL(url, pathToFileURL(resolve('.') + sep)));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ImportError(`${url} names no file on this machine.`, { isUsage: true });
  }
}
