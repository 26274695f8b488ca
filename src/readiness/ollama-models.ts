import type { GpuReading } from '../contracts/readiness.ts';

/**
 * Reads what Ollama's `GET /api/ps` tells: of each model that is loaded, how much of it lies in GPU memory. What does
 * not fit runs on the processor, many times slower.
 *
 * @throws Error where the text is none of its answers
 */
export function readOllamaModels(text: string): GpuReading {
  const body: unknown = JSON.parse(text);
  const models = memberOf(body, 'models');
  if (!Array.isArray(models)) throw new Error('this is no answer of /api/ps.');
  const gpuShares = new Map<string, number>();
  for (const model of models) {
    const name = memberOf(model, 'name');
    const size = memberOf(model, 'size');
    // Absent where it is zero.
    const inGpu = memberOf(model, 'size_vram') ?? 0;
    if (typeof name !== 'string' || typeof size !== 'number' || typeof inGpu !== 'number') continue;
    // A model that is still being loaded has no size yet.
    if (size > 0) gpuShares.set(name, inGpu / size);
  }
  return { gpus: [], gpuShares };
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}
