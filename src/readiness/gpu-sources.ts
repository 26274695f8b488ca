import { DefinitionError } from '../contracts/definition-error.ts';
import type { GpuReading, GpuSource } from '../contracts/readiness.ts';
import type { Transport } from '../contracts/transport.ts';
import { readDcgmMetrics, readTritonMetrics, readVllmMetrics } from './gpu-metrics.ts';
import { createNvidiaSmi } from './nvidia-smi.ts';
import { readOllamaModels } from './ollama-models.ts';

/** Opens the source that a definition names, at the URL that it names where it is one on the network. */
export type OpenGpuSource = (name: string, url: string | undefined) => GpuSource;

/** Sources on the network: what to add to their URL, and how to read what they answer. */
const remote: Readonly<Record<string, { readonly path?: string; read(text: string): GpuReading }>> = {
  dcgm: { read: readDcgmMetrics },
  triton: { read: readTritonMetrics },
  vllm: { read: readVllmMetrics },
  ollama: { path: '/api/ps', read: readOllamaModels },
};

/**
 * Opens GPU sources. Those on the network are reached as model servers are, with the same checks of what is dialled, and
 * without credentials.
 *
 * @throws DefinitionError where the URL is none
 */
export function createGpuSources(transport: Pick<Transport, 'exchange'>): OpenGpuSource {
  return (name, url) => {
    if (name === 'nvidia-smi') return createNvidiaSmi();
    const source = remote[name];
    if (source === undefined) throw new RangeError(`there is no GPU source ${name}`);
    const base = URL.parse(url ?? '');
    if (base === null) throw new DefinitionError('/readiness/gpu/url', 'has to be a whole URL');
    const target =
      source.path === undefined ? base : new URL(base.pathname.replace(/\/+$/, '') + source.path, base);
    return {
      async read(signal) {
        const { status, body } = await transport.exchange({
          method: 'GET',
          url: target,
          headers: { 'user-agent': 'skillgate' },
          signal,
        });
        if (status !== 200) throw new Error(`${name} answered ${status}.`);
        try {
          return source.read(body.toString());
        } catch (cause) {
          throw new Error(`${name} cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
            cause,
          });
        }
      },
    };
  };
}
