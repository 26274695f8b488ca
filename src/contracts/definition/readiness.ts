import { milliseconds } from './common.ts';

const gpuUrl = { type: 'string', pattern: '^https?://.' } as const;
const gpuMemory = {
  min_free_mib: { type: 'integer', minimum: 1, description: 'How much memory has to be free, in MiB.' },
  device: {
    type: 'string',
    minLength: 1,
    description: 'Index or UUID of the GPU; without it any one GPU with enough memory will do.',
  },
} as const;
const gpuQueue = {
  type: 'integer',
  minimum: 0,
  description: 'How many requests may wait at the server.',
} as const;

const gpuReadiness = {
  type: 'object',
  required: ['source'],
  description: 'What has to hold of the GPU for this model to count as ready, beside its own word.',
  oneOf: [
    {
      type: 'object',
      title: 'nvidia-smi',
      required: ['source', 'min_free_mib'],
      additionalProperties: false,
      properties: {
        source: { const: 'nvidia-smi', description: "NVIDIA's program, on this machine." },
        ...gpuMemory,
      },
    },
    {
      type: 'object',
      title: 'DCGM exporter',
      required: ['source', 'url', 'min_free_mib'],
      additionalProperties: false,
      properties: {
        source: { const: 'dcgm', description: "NVIDIA's DCGM exporter." },
        url: { ...gpuUrl, description: 'Its metrics, such as http://gpu-1:9400/metrics.' },
        ...gpuMemory,
      },
    },
    {
      type: 'object',
      title: 'Triton',
      required: ['source', 'url'],
      anyOf: [{ required: ['min_free_mib'] }, { required: ['max_waiting'] }],
      additionalProperties: false,
      properties: {
        source: { const: 'triton', description: 'The metrics of Triton Inference Server.' },
        url: { ...gpuUrl, description: 'Its metrics, such as http://gpu-1:8002/metrics.' },
        ...gpuMemory,
        max_waiting: gpuQueue,
      },
    },
    {
      type: 'object',
      title: 'vLLM',
      required: ['source', 'url'],
      anyOf: [{ required: ['max_waiting'] }, { required: ['max_cache_percent'] }],
      additionalProperties: false,
      properties: {
        source: { const: 'vllm', description: 'The metrics of vLLM.' },
        url: { ...gpuUrl, description: 'Its metrics, such as http://gpu-1:8000/metrics.' },
        max_waiting: gpuQueue,
        max_cache_percent: {
          type: 'number',
          minimum: 1,
          maximum: 100,
          description: 'How much of the KV cache may be taken, in percent.',
        },
      },
    },
    {
      type: 'object',
      title: 'Ollama',
      required: ['source', 'url', 'model', 'min_gpu_percent'],
      additionalProperties: false,
      properties: {
        source: { const: 'ollama', description: "Ollama's list of loaded models." },
        url: { ...gpuUrl, description: 'The server, such as http://localhost:11434.' },
        model: { type: 'string', minLength: 1, description: 'The model, as Ollama names it.' },
        min_gpu_percent: {
          type: 'number',
          minimum: 1,
          maximum: 100,
          description:
            'How much of the loaded model has to lie in GPU memory, in percent: the rest runs on the processor.',
        },
      },
    },
  ],
} as const;

/** JSON Schema of `readiness`. */
export const readiness = {
  type: 'object',
  default: {},
  additionalProperties: false,
  description: 'How the gateway learns whether the model can be called. A probe never infers.',
  properties: {
    required: {
      type: 'boolean',
      default: false,
      description: "Whether this model holds the gateway's own /readyz back while it is not ready.",
    },
    interval_ms: { ...milliseconds, default: 10_000, description: 'Between two probes of a ready model.' },
    wait: {
      type: 'boolean',
      default: false,
      description: 'Whether a call to a loading model waits for it up to concurrency.queue_ms.',
    },
    load: {
      type: 'boolean',
      default: false,
      description:
        'Whether the gateway has the server load a model that is not loaded when a call comes, and the call waits for it up to concurrency.queue_ms: for models that are unloaded when idle (Ollama, Triton in explicit mode).',
    },
    gpu: gpuReadiness,
  },
} as const;
