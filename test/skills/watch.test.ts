import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type FolderWatchOptions, watchFolder } from '../../src/skills/watch.ts';
import { skillsFolder } from './fixtures.ts';

/** Watches until the test ends; resolves once the first look at the folder has been reported. */
async function watching(directory: string, options: Partial<FolderWatchOptions> = {}) {
  const onChange = vi.fn(async () => undefined);
  const onError = vi.fn();
  const folderWatch = watchFolder({ directory, onChange, onError, settleMs: 10, pollMs: 60_000, ...options });
  onTestFinished(() => folderWatch.close());
  await vi.waitFor(() => expect(options.onChange ?? onChange).toHaveBeenCalled(), { interval: 5 });
  onChange.mockClear();
  return { onChange, onError, folderWatch };
}

async function reported(onChange: ReturnType<typeof vi.fn>, times = 1): Promise<void> {
  await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(times), { interval: 5 });
}

describe('watchFolder', () => {
  it('reports a file that is written in place, and one that is renamed into place', async () => {
    const directory = await skillsFolder({ 'a.json': {} });
    const { onChange } = await watching(directory);
    await writeFile(join(directory, 'a.json'), '{"a": 1}');
    await reported(onChange);
    await writeFile(join(directory, '.a.json.swp'), '{}');
    await rename(join(directory, '.a.json.swp'), join(directory, 'a.json'));
    await reported(onChange, 2);
    await rm(join(directory, 'a.json'));
    await reported(onChange, 3);
  });

  it('reports many changes in a row once', async () => {
    const directory = await skillsFolder({});
    const { onChange } = await watching(directory, { settleMs: 40 });
    for (let index = 0; index < 20; index += 1) await writeFile(join(directory, `${index}.json`), '{}');
    await reported(onChange);
  });

  it('reports the link to the data being swapped, as Kubernetes does', async () => {
    const directory = await skillsFolder({});
    for (const release of ['..1', '..2']) {
      await mkdir(join(directory, release));
      await writeFile(join(directory, release, 'a.json'), release);
    }
    await symlink('..1', join(directory, '..data'));
    await symlink('..data/a.json', join(directory, 'a.json'));
    const { onChange } = await watching(directory);
    await symlink('..2', join(directory, '..next'));
    await rename(join(directory, '..next'), join(directory, '..data'));
    await reported(onChange);
  });

  it('goes on in the new folder where the folder itself is a link that is swapped', async () => {
    const parent = await skillsFolder({});
    await mkdir(join(parent, 'one'));
    await mkdir(join(parent, 'two'));
    await symlink('one', join(parent, 'current'));
    const { onChange } = await watching(join(parent, 'current'), { pollMs: 20 });
    await symlink('two', join(parent, 'next'));
    await rename(join(parent, 'next'), join(parent, 'current'));
    await reported(onChange);
    await writeFile(join(parent, 'two', 'a.json'), '{}');
    await reported(onChange, 2);
  });

  it('finds a folder that was missing', async () => {
    const parent = await skillsFolder({});
    const { onChange, onError } = await watching(join(parent, 'later'), { pollMs: 20 });
    expect(onError).toHaveBeenCalledTimes(1);
    await mkdir(join(parent, 'later'));
    await reported(onChange);
  });

  it('never runs twice at once, and reports what changed meanwhile', async () => {
    const directory = await skillsFolder({});
    let running = 0;
    let most = 0;
    const onChange = vi.fn(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 30));
      running -= 1;
    });
    await watching(directory, { onChange });
    await writeFile(join(directory, 'a.json'), '1');
    await reported(onChange, 2);
    await writeFile(join(directory, 'a.json'), '22');
    await reported(onChange, 3);
    expect(most).toBe(1);
  });

  it('goes on after a failed reload', async () => {
    const directory = await skillsFolder({});
    const onChange = vi.fn(() => Promise.reject(new Error('reload failed')));
    const { onError } = await watching(directory, { onChange });
    await writeFile(join(directory, 'a.json'), '{}');
    await reported(onChange, 2);
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(2));
  });

  it('reports nothing after it was closed', async () => {
    const directory = await skillsFolder({});
    const { onChange, folderWatch } = await watching(directory, { pollMs: 10 });
    await folderWatch.close();
    await writeFile(join(directory, 'a.json'), '{}');
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(onChange).not.toHaveBeenCalled();
  });
});
