import type { GpuMemory, GpuReading } from '../contracts/readiness.ts';

/** What a model needs of the GPU, as its definition says it. What is absent does not matter. */
export interface GpuDemand {
  /** Memory that has to be free, in MiB. */
  readonly min_free_mib?: number;
  /** Index or UUID of the GPU; without it any one GPU will do. */
  readonly device?: string;
  /** Requests that may wait at the server. */
  readonly max_waiting?: number;
  /** How much of the KV cache may be taken, 0 to 100. */
  readonly max_cache_percent?: number;
  /** The model, by the name that the source gives it, and how much of it has to lie in GPU memory, 0 to 100. */
  readonly model?: string;
  readonly min_gpu_percent?: number;
}

/** Whether the demand is met, and by which GPU it was judged. */
export interface GpuVerdict {
  readonly state: 'sufficient' | 'exhausted' | 'unknown';
  /** For people, with the figures. */
  readonly reason: string;
  readonly gpu?: GpuMemory;
}

/**
 * What was exhausted is sufficient again only when it is better by this share than it has to be. Without it a model at
 * the edge would come and go with every reading.
 */
const margin = 0.1;

/**
 * Says whether what a source told meets every demand.
 *
 * @param wasExhausted whether the last verdict was `exhausted`: then a little more is asked
 */
export function judgeGpu(reading: GpuReading, demand: GpuDemand, wasExhausted: boolean): GpuVerdict {
  const slack = wasExhausted ? margin : 0;
  const verdicts = [
    judgeMemory(reading.gpus, demand, slack),
    judgeQueue(reading, demand, slack),
    judgeCache(reading, demand, slack),
    judgePlacement(reading, demand),
  ].filter((verdict) => verdict !== undefined);
  const worst = (['exhausted', 'unknown'] as const).find((state) =>
    verdicts.some((verdict) => verdict.state === state),
  );
  const state = worst ?? 'sufficient';
  const telling = verdicts.filter((verdict) => verdict.state === state);
  const gpu = verdicts.find((verdict) => verdict.gpu)?.gpu;
  return { state, reason: telling.map(({ reason }) => reason).join(' '), ...(gpu && { gpu }) };
}

/** Judges the memory of one GPU: the one that is named, or else the one with the most that is free. */
function judgeMemory(
  gpus: readonly GpuMemory[],
  { min_free_mib: neededMib, device }: GpuDemand,
  slack: number,
): GpuVerdict | undefined {
  if (neededMib === undefined) return undefined;
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
  // More than all of it can never be free.
  const wantedMib = Math.max(neededMib, Math.min(Math.ceil(neededMib * (1 + slack)), gpu.totalMib));
  if (gpu.freeMib >= wantedMib) return { state: 'sufficient', reason: `${figures}.`, gpu };
  const again = gpu.freeMib >= neededMib ? `, and ${wantedMib} after a shortage` : '';
  return { state: 'exhausted', reason: `${figures}; ${neededMib} MiB are needed${again}.`, gpu };
}

function judgeQueue(
  { waiting }: GpuReading,
  { max_waiting: most }: GpuDemand,
  slack: number,
): GpuVerdict | undefined {
  if (most === undefined) return undefined;
  if (waiting === undefined) return { state: 'unknown', reason: 'The queue is not told.' };
  const state = waiting <= Math.floor(most * (1 - slack)) ? 'sufficient' : 'exhausted';
  return { state, reason: `${waiting} requests wait at the server, where ${most} may.` };
}

function judgeCache(
  { cacheShare }: GpuReading,
  { max_cache_percent: most }: GpuDemand,
  slack: number,
): GpuVerdict | undefined {
  if (most === undefined) return undefined;
  if (cacheShare === undefined) return { state: 'unknown', reason: 'The use of the KV cache is not told.' };
  const percent = Math.round(cacheShare * 100);
  const state = percent <= most * (1 - slack) ? 'sufficient' : 'exhausted';
  return { state, reason: `${percent} % of the KV cache are taken, where ${most} % may be.` };
}

function judgePlacement(
  { gpuShares }: GpuReading,
  { model, min_gpu_percent: least }: GpuDemand,
): GpuVerdict | undefined {
  if (model === undefined || least === undefined) return undefined;
  const share = gpuShares?.get(model) ?? gpuShares?.get(`${model}:latest`);
  // A model that is not loaded is loaded by the first call.
  if (share === undefined) return { state: 'unknown', reason: `The model ${model} is not loaded.` };
  const percent = Math.floor(share * 100);
  const state = percent >= least ? 'sufficient' : 'exhausted';
  return { state, reason: `${percent} % of the model lie in GPU memory, where ${least} % have to.` };
}
