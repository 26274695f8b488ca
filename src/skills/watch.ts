import { type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface FolderWatchOptions {
  readonly directory: string;
  /** Called after a change, never twice at once. What it throws goes to `onError`. */
  readonly onChange: () => Promise<void>;
  readonly onError: (error: unknown) => void;
  /** How long the folder has to be quiet before a change counts, in milliseconds: editors write in several steps. */
  readonly settleMs?: number;
  /** How often to look at the folder itself, in milliseconds: not every file system tells of changes. */
  readonly pollMs?: number;
}

export interface FolderWatch {
  /** Ends the watch, and resolves once `onChange` is no longer running. */
  close(): Promise<void>;
}

/**
 * Watches the files directly in a folder, also where the folder, or a link on the way to it, is replaced as a whole,
 * as Kubernetes does with the volumes of ConfigMaps. The first look at the folder counts as a change, so that nothing
 * is missed between loading it and watching it. Does not keep the process alive.
 */
export function watchFolder({
  directory,
  onChange,
  onError,
  settleMs = 100,
  pollMs = 5000,
}: FolderWatchOptions): FolderWatch {
  let watcher: FSWatcher | undefined;
  let settling: NodeJS.Timeout | undefined;
  let lastFolder = '';
  let lastFiles = '';
  let isClosed = false;
  let running: Promise<void> = Promise.resolve();

  function changed(): void {
    if (isClosed) return;
    clearTimeout(settling);
    settling = setTimeout(() => {
      running = running.then(onChange).catch(onError);
    }, settleMs).unref();
  }

  function listen(): void {
    watcher?.close();
    watcher = undefined;
    try {
      watcher = watch(directory, { persistent: false }, changed);
      watcher.on('error', onError);
    } catch (error) {
      onError(error);
    }
  }

  async function look(): Promise<void> {
    const folder = await folderIdentity(directory);
    const files = await fileIdentities(directory);
    if (isClosed) return;
    if (folder !== lastFolder) listen();
    if (folder !== lastFolder || files !== lastFiles) changed();
    lastFolder = folder;
    lastFiles = files;
  }

  let looking = look().catch(onError);
  const poll = setInterval(() => {
    looking = looking.then(look).catch(onError);
  }, pollMs).unref();

  return {
    async close() {
      isClosed = true;
      clearInterval(poll);
      clearTimeout(settling);
      watcher?.close();
      await looking;
      await running;
    },
  };
}

async function folderIdentity(directory: string): Promise<string> {
  try {
    const { dev, ino } = await stat(directory);
    return `${dev} ${ino}`;
  } catch (error) {
    return String(error);
  }
}

async function fileIdentities(directory: string): Promise<string> {
  try {
    const names = (await readdir(directory)).filter((name) => name.endsWith('.json')).sort();
    const identities = await Promise.all(names.map((name) => fileIdentity(join(directory, name))));
    return names.map((name, index) => `${name} ${identities[index]}`).join('\n');
  } catch (error) {
    return String(error);
  }
}

/** What changes whenever a file is written or replaced. */
async function fileIdentity(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch (error) {
    return String(error);
  }
}
