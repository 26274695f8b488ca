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
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

/** Reads the one CPU profile in a folder. */
export async function readProfile(folder: string): Promise<CpuProfile> {
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile'));
  if (name === undefined) throw new Error(`no .cpuprofile in ${folder}`);
  return JSON.parse(await readFile(join(folder, name), 'utf8'));
}

/** The functions with the most time of their own, without what they call, as lines of text. */
export function hottestFunctions({ nodes, samples, timeDeltas }: CpuProfile, count: number): string[] {
  const labels = new Map(nodes.map((node) => [node.id, label(node)]));
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

function label({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName || '(anonymous)';
  if (url === '') return name;
  const place = url.replace(/^file:\/\//, '').replace(/^.*\/(node_modules|dist|src)\//, '$1/');
  return `${name}  ${place}:${lineNumber + 1}`;
}
