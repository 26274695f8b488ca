import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runToEnd } from './processes.ts';

const root = join(import.meta.dirname, '../..');

/** Everything that is downloaded or made here; git does not see it. */
export const cacheFolder = join(root, '.cache/interop');

/** A virtual environment with a server in it. */
export interface PythonEnvironment {
  readonly folder: string;
  readonly python: string;
  /** Where its packages are. */
  readonly packages: string;
  /** The folder of the shared library of Python itself. */
  readonly libraries: string;
  /** `3.11`, say. */
  readonly version: string;
}

/**
 * Makes a virtual environment with these packages, or takes the one that was made before with the same ones.
 *
 * @param requirements as pip reads them, pinned
 * @throws Error with what pip said
 */
export async function installPython(
  name: string,
  requirements: readonly string[],
): Promise<PythonEnvironment> {
  const folder = join(cacheFolder, name);
  const python = join(folder, 'bin/python');
  const stamp = join(folder, 'installed.txt');
  const wanted = requirements.join('\n');
  const installed = await readFile(stamp, 'utf8').catch(() => undefined);
  if (installed !== wanted) {
    console.log(`installing ${requirements.join(', ')}`);
    await mkdir(folder, { recursive: true });
    await runToEnd('python3', ['-m', 'venv', '--clear', folder]);
    await runToEnd(python, ['-m', 'pip', 'install', '--quiet', ...requirements], {
      PIP_CACHE_DIR: join(cacheFolder, 'pip'),
      PIP_DISABLE_PIP_VERSION_CHECK: '1',
    });
    await writeFile(stamp, wanted);
  }
  const question =
    'import json, sysconfig as s;' +
    'print(json.dumps([s.get_path("purelib"), s.get_config_var("LIBDIR"), s.get_python_version()]))';
  const [packages, libraries, version]: string[] = JSON.parse(await runToEnd(python, ['-c', question]));
  if (packages === undefined || libraries === undefined || version === undefined) {
    throw new Error('Python does not say where it is installed');
  }
  return { folder, python, packages, libraries, version };
}
