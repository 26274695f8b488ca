import { milliseconds } from './common.ts';

/** JSON Schema of `timeouts`. */
export const timeouts = {
  type: 'object',
  default: {},
  additionalProperties: false,
  description: 'How long each phase of a call to the model server may take.',
  properties: {
    connect_ms: { ...milliseconds, default: 3000, description: 'To reach the server (DNS and TCP).' },
    tls_ms: { ...milliseconds, default: 5000, description: 'To agree on TLS.' },
    first_byte_ms: {
      ...milliseconds,
      default: 30_000,
      description: 'From the request sent to the first byte.',
    },
    between_bytes_ms: { ...milliseconds, default: 10_000, description: 'Between two pieces of the answer.' },
    total_ms: { ...milliseconds, default: 60_000, description: 'All attempts and the waits between them.' },
  },
} as const;

/** JSON Schema of `retry`. */
export const retry = {
  type: 'object',
  default: {},
  additionalProperties: false,
  description: 'When a call to the model server is tried again.',
  properties: {
    max_attempts: {
      type: 'integer',
      minimum: 1,
      maximum: 10,
      default: 3,
      description: 'Attempts in all; 1 turns retries off.',
    },
    base_ms: {
      ...milliseconds,
      default: 100,
      description: 'The first wait; it doubles from attempt to attempt.',
    },
    max_ms: { ...milliseconds, default: 2000, description: 'The longest wait that the backoff chooses.' },
    idempotent: {
      type: 'boolean',
      default: true,
      description:
        'Whether a call that may have been executed may be sent again, and equal calls may share one.',
    },
  },
} as const;

/** JSON Schema of `breaker`. */
export const breaker = {
  type: 'object',
  default: {},
  additionalProperties: false,
  description: 'When a failing model server is left alone.',
  properties: {
    failures: {
      type: 'integer',
      minimum: 1,
      default: 5,
      description: 'Failures in a row that open the circuit.',
    },
    reset_ms: {
      ...milliseconds,
      default: 10_000,
      description: 'How long it stays open before one call probes.',
    },
  },
} as const;

/** JSON Schema of `concurrency`. */
export const concurrency = {
  type: 'object',
  default: {},
  additionalProperties: false,
  description: 'How many calls the model takes at once, and how many may wait.',
  properties: {
    max: { type: 'integer', minimum: 1, default: 32, description: 'Calls in flight to the model.' },
    shared: {
      type: 'boolean',
      default: false,
      description:
        'Whether at most `max` calls are in flight over all processes together, not in each: calls, batch rows and jobs. Needs REDIS_URL; without it each process has its own limit, and only jobs are counted together. `queue` stays that of each process.',
    },
    queue: { type: 'integer', minimum: 0, default: 256, description: 'Calls that may wait for a place.' },
    queue_ms: { ...milliseconds, default: 10_000, description: 'How long a call may wait for a place.' },
  },
} as const;

/** JSON Schema of `batching`. */
export const batching = {
  type: 'object',
  additionalProperties: false,
  description:
    'Sends calls that wait at the same time to the model as one, where the protocol can. Without it every call goes alone.',
  properties: {
    max_size: {
      type: 'integer',
      minimum: 2,
      maximum: 1024,
      default: 32,
      description:
        'The most calls in one batch. How many go together is found by measuring, up to this. No more can be than concurrency.max lets in.',
    },
    max_wait_ms: {
      type: 'integer',
      minimum: 0,
      maximum: 10_000,
      default: 5,
      description:
        'How long a call waits for company while the model works on others. While it works on none, a call goes at once.',
    },
    latency_ms: {
      ...milliseconds,
      default: 200,
      description: 'How long the model may take for one batch: batches grow until they take longer.',
    },
    in_flight: {
      type: 'integer',
      minimum: 1,
      maximum: 256,
      default: 2,
      description:
        'Batches at the model at the same time: one that it works on and one at its door. More, where it works on several side by side.',
    },
  },
} as const;

/** JSON Schema of `gpu`. */
export const gpu = {
  type: 'object',
  required: ['mib'],
  additionalProperties: false,
  description: 'The GPU memory that a call needs, where models share a GPU.',
  properties: {
    pool: {
      type: 'string',
      pattern: '^[a-z][a-z0-9_-]{0,47}$',
      default: 'default',
      description: 'The pool that it is taken from, by its name in GPU_POOLS.',
    },
    mib: { type: 'integer', minimum: 1, description: 'What one call needs while it runs, in MiB.' },
  },
} as const;

/** JSON Schema of `cache`. */
export const cache = {
  type: 'object',
  default: {},
  additionalProperties: false,
  description: 'Whether and for how long an answer is kept.',
  properties: {
    enabled: {
      type: 'boolean',
      default: true,
      description: 'Whether equal inputs may be answered from memory.',
    },
    ttl_ms: { ...milliseconds, description: 'How long an answer is good; without it CACHE_TTL_MS.' },
    scope: {
      type: 'string',
      enum: ['shared', 'caller'],
      default: 'shared',
      description: 'Whether callers share answers, or each sees only its own.',
    },
  },
} as const;
