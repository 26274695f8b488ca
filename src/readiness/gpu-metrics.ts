import type { GpuMemory, GpuReading } from '../contracts/readiness.ts';
import { parsePrometheusText, type Sample } from '../lib/prometheus-text.ts';

const mebibyte = 1024 ** 2;

/**
 * Reads what NVIDIA's DCGM exporter tells: memory in MiB and utilization in percent of each GPU, and of each instance
 * where one is partitioned (MIG; its index is then `GPU:INSTANCE`).
 *
 * @throws Error where it tells the memory of no GPU
 */
export function readDcgmMetrics(text: string): GpuReading {
  const gpus = new Map<string, { uuid: string; values: Map<string, number> }>();
  for (const { name, labels, value } of parsePrometheusText(text)) {
    const gpu = labels.get('gpu');
    if (gpu === undefined || !name.startsWith('DCGM_FI_DEV_')) continue;
    const instance = labels.get('GPU_I_ID');
    const index = instance === undefined || instance === '' ? gpu : `${gpu}:${instance}`;
    const known = gpus.get(index) ?? { uuid: labels.get('UUID') ?? index, values: new Map() };
    known.values.set(name, value);
    gpus.set(index, known);
  }
  const memories = [...gpus].flatMap(([index, { uuid, values }]): GpuMemory[] => {
    const freeMib = values.get('DCGM_FI_DEV_FB_FREE');
    const usedMib = values.get('DCGM_FI_DEV_FB_USED');
    if (freeMib === undefined || usedMib === undefined) return [];
    const reservedMib = values.get('DCGM_FI_DEV_FB_RESERVED') ?? 0;
    const totalMib = freeMib + usedMib + reservedMib;
    return [
      { index, uuid, totalMib, usedMib, freeMib, utilizationPercent: values.get('DCGM_FI_DEV_GPU_UTIL') },
    ];
  });
  if (memories.length === 0) throw new Error('it tells the memory of no GPU (DCGM_FI_DEV_FB_FREE).');
  return { gpus: memories };
}

/**
 * Reads what Triton's metrics tell: memory and utilization of each GPU, by UUID alone (the index is their order), and
 * the requests that wait for all its models together.
 *
 * @throws Error where it tells neither
 */
export function readTritonMetrics(text: string): GpuReading {
  const samples = parsePrometheusText(text);
  const byGpu = (name: string) =>
    new Map(named(samples, name).map(({ labels, value }) => [labels.get('gpu_uuid') ?? '', value]));
  const used = byGpu('nv_gpu_memory_used_bytes');
  const utilization = byGpu('nv_gpu_utilization');
  const gpus = [...byGpu('nv_gpu_memory_total_bytes')].map(([uuid, total], index): GpuMemory => {
    const usedMib = Math.round((used.get(uuid) ?? 0) / mebibyte);
    const totalMib = Math.round(total / mebibyte);
    const share = utilization.get(uuid);
    const utilizationPercent = share === undefined ? undefined : Math.round(share * 100);
    return { index: String(index), uuid, totalMib, usedMib, freeMib: totalMib - usedMib, utilizationPercent };
  });
  const waiting = sum(named(samples, 'nv_inference_pending_request_count'));
  if (gpus.length === 0 && waiting === undefined) throw new Error('these are not the metrics of Triton.');
  return { gpus, ...(waiting !== undefined && { waiting }) };
}

/**
 * Reads what vLLM's metrics tell: the requests that wait for a place, and how much of the KV cache is taken. Its free
 * GPU memory would say nothing, since it takes all that it may have when it starts.
 *
 * @throws Error where it tells neither
 */
export function readVllmMetrics(text: string): GpuReading {
  const samples = parsePrometheusText(text);
  const waiting = sum(named(samples, 'vllm:num_requests_waiting'));
  // The older name, until 0.10 or so.
  const caches = ['vllm:kv_cache_usage_perc', 'vllm:gpu_cache_usage_perc'].flatMap((name) =>
    named(samples, name),
  );
  if (waiting === undefined && caches.length === 0) throw new Error('these are not the metrics of vLLM.');
  return {
    gpus: [],
    ...(waiting !== undefined && { waiting }),
    ...(caches.length > 0 && { cacheShare: Math.max(...caches.map(({ value }) => value)) }),
  };
}

function named(samples: readonly Sample[], name: string): readonly Sample[] {
  return samples.filter((sample) => sample.name === name && Number.isFinite(sample.value));
}

function sum(samples: readonly Sample[]): number | undefined {
  if (samples.length === 0) return undefined;
  return samples.reduce((total, { value }) => total + value, 0);
}
