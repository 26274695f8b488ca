import type { GpuMemory } from '../contracts/readiness.ts';

/** The GPU memory that a model needs, as its definition says it. */
export interface GpuDemand {
  readonly min_free_mib: number;
  /** Index or UUID of the GPU; without it any one GPU will do. */
  readonly device?: string;
}

/** Whether the demand is met, and by which GPU it was judged. */
export interface GpuVerdict {
  readonly state: 'sufficient' | 'exhausted' | 'unknown';
  /** For people, with the figures. */
  readonly reason: string;
  readonly gpu?: GpuMemory;
}

/** Says whether one GPU has the memory that is demanded: the one that is named, or else the one with the most free. */
export function judgeGpuMemory(gpus: readonly GpuMemory[], demand: GpuDemand): GpuVerdict {
  const { min_free_mib: neededMib, device } = demand;
  const candidates = gpus.filter(
    ({ index, uuid }) => device === undefined || device === index || device === uuid,
  );
  if (candidates.length === 0) {
    const known = gpus.map(({ index }) => index).join(', ') || 'none';
    const wanted = device === undefined ? 'no GPU' : `no GPU ${device}`;
    return {
      state: 'exhausted',
      reason: `There is ${wanted} (known: ${known}); ${neededMib} MiB are needed.`,
    };
  }
  const gpu = candidates.reduce((best, candidate) => (candidate.freeMib > best.freeMib ? candidate : best));
  const figures = `GPU ${gpu.index} has ${gpu.freeMib} of ${gpu.totalMib} MiB free`;
  return gpu.freeMib >= neededMib
    ? { state: 'sufficient', reason: `${figures}.`, gpu }
    : { state: 'exhausted', reason: `${figures}; ${neededMib} MiB are needed.`, gpu };
}
