import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds between the samples. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: CallFrame;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

/** Reads the one CPU profile in a folder. */
export async function readProfile(folder: string): Promise<CpuProfile> {
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile'));
  if (name === undefined) throw new Error(`no .cpuprofile in ${folder}`);
  return JSON.parse(await readFile(join(folder, name), 'utf8'));
}

/** The functions with the most time of their own, without what they call, as lines of text. */
export function hottestFunctions(profile: CpuProfile, count: number): string[] {
  return hottest(profile, count, ({ functionName, url, lineNumber }) => {
    const name = functionName || '(anonymous)';
    return url === '' ? name : `${name}  ${shortPlace(url)}:${lineNumber + 1}`;
  });
}

/** The same by part: a package, a folder of the gateway, Node's own code. */
export function hottestParts(profile: CpuProfile, count: number): string[] {
  return hottest(profile, count, ({ functionName, url }) => {
    if (url === '') return functionName.startsWith('(') ? functionName : 'native code of Node';
    const [, part] =
      /^(node_modules\/(?:@[^/]+\/)?[^/]+|dist\/[^/]+|node:[^/]+(?:\/[^/]+)?)/.exec(shortPlace(url)) ?? [];
    return part ?? url;
  });
}

function hottest(
  { nodes, samples, timeDeltas }: CpuProfile,
  count: number,
  label: (frame: CallFrame) => string,
): string[] {
  const labels = new Map(nodes.map(({ id, callFrame }) => [id, label(callFrame)]));
  const selfTimes = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const name = labels.get(id) ?? '(unknown)';
    if (name === '(idle)') continue;
    const time = timeDeltas[index] ?? 0;
    busy += time;
    selfTimes.set(name, (selfTimes.get(name) ?? 0) + time);
  }
  return [...selfTimes]
    .sort(([, a], [, b]) => b - a)
    .slice(0, count)
    .map(([name, time]) => `${((time / busy) * 100).toFixed(1).padStart(5)} %  ${name}`);
}

function shortPlace(url: string): string {
  const start = url.includes('node_modules/') ? url.lastIndexOf('node_modules/') : url.indexOf('dist/');
  return start === -1 ? url : url.slice(start);
}
