import { execFile } from 'node:child_process';
import type { GpuMemory, GpuSource } from '../contracts/readiness.ts';

const fields = ['index', 'uuid', 'memory.total', 'memory.used', 'memory.free', 'utilization.gpu'];

export interface NvidiaSmiOptions {
  /** The program; without it `nvidia-smi` on the PATH. */
  readonly path?: string;
  /** How long it may run before it is killed, in milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * GPU memory as `nvidia-smi` tells it. A driver that hangs makes the program hang, also in a state in which it cannot
 * be killed: a read ends when its program has ended, so whoever reads can see to it that they do not pile up.
 */
export function createNvidiaSmi({ path = 'nvidia-smi', timeoutMs = 5000 }: NvidiaSmiOptions = {}): GpuSource {
  const args = [`--query-gpu=${fields.join(',')}`, '--format=csv,noheader,nounits'];
  return {
    read: (signal) =>
      new Promise((resolve, reject) => {
        const started = execFile(
          path,
          args,
          { timeout: timeoutMs, killSignal: 'SIGKILL' },
          (error, stdout) => {
            signal.removeEventListener('abort', kill);
            try {
              resolve({ gpus: readGpus(error, stdout, timeoutMs) });
            } catch (unreadable) {
              reject(unreadable);
            }
          },
        );
        const kill = () => {
          started.kill('SIGKILL');
          // Whatever the program started may hold its output open.
          started.stdout?.destroy();
          started.stderr?.destroy();
        };
        signal.addEventListener('abort', kill, { once: true });
        if (signal.aborted) kill();
      }),
  };
}

function readGpus(error: Error | null, stdout: string, timeoutMs: number): GpuMemory[] {
  // Said on stdout, with exit code 6 or 0, according to the driver's version.
  if (stdout.trim() === 'No devices were found') return [];
  if (error && 'killed' in error && error.killed)
    throw new Error(`nvidia-smi did not end within ${timeoutMs} ms.`);
  if (error && 'code' in error && error.code === 'ENOENT') throw new Error('nvidia-smi is not installed.');
  const [firstLine = ''] = stdout.trim().split('\n', 1);
  // Driver faults are told on stdout too; the rest of the text is advice.
  if (error) throw new Error(`nvidia-smi failed: ${firstLine || 'it said nothing'}`, { cause: error });
  return parseNvidiaSmi(stdout);
}

/**
 * Reads the answer of `nvidia-smi --query-gpu=… --format=csv,noheader,nounits`, in MiB and percent. A GPU that does
 * not tell its memory (`[N/A]`, as where the CPU shares it) is left out.
 *
 * @throws Error where a line is none of its lines, or no GPU tells its memory
 */
export function parseNvidiaSmi(text: string): GpuMemory[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const gpus = lines.map(parseLine).filter((gpu) => gpu !== undefined);
  if (gpus.length === 0) throw new Error('nvidia-smi tells the memory of no GPU.');
  return gpus;
}

function parseLine(line: string): GpuMemory | undefined {
  const cells = line.split(',').map((cell) => cell.trim());
  const [index = '', uuid = '', total, used, free, utilization] = cells;
  if (cells.length !== fields.length || !/^\d+$/.test(index)) {
    throw new Error(`nvidia-smi answered in a form that is not known: ${line.slice(0, 200)}`);
  }
  const [totalMib, usedMib, freeMib] = [toNumber(total), toNumber(used), toNumber(free)];
  if (totalMib === undefined || usedMib === undefined || freeMib === undefined) return undefined;
  return { index, uuid, totalMib, usedMib, freeMib, utilizationPercent: toNumber(utilization) };
}

/** Undefined for `[N/A]`, `[Not Supported]`, `[Unknown Error]` and whatever else stands in brackets. */
function toNumber(cell = ''): number | undefined {
  return /^\d+(\.\d+)?$/.test(cell) ? Number(cell) : undefined;
}
