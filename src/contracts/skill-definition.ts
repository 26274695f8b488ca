import type { FromSchema, JSONSchema } from 'json-schema-to-ts';
import type { JsonObject, JsonSchema, JsonValue } from './json.ts';

const milliseconds = { type: 'integer', minimum: 1, maximum: 86_400_000 } as const;
const environmentVariable = { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]*$' } as const;

const endpoint = {
  type: 'object',
  description: 'Where the model is, and how it is spoken to.',
  required: ['url'],
  additionalProperties: false,
  properties: {
    protocol: {
      type: 'string',
      default: 'http',
      description:
        'What the model server speaks. `http` sends the input as a JSON body and takes the answer as output.',
    },
    url: {
      type: 'string',
      minLength: 1,
      description:
        'The model server: http(s)://, or grpc(s):// where the protocol speaks it; a file: path relative to this definition for an embedded model.',
    },
    method: {
      type: 'string',
      enum: ['POST', 'PUT', 'PATCH', 'GET'],
      default: 'POST',
      description: 'HTTP method, for protocol `http`. With GET the input becomes the query string.',
    },
    headers: {
      type: 'object',
      default: {},
      additionalProperties: { type: 'string' },
      description: 'Fixed request headers. No secrets here: see `auth`.',
    },
    model: { type: 'string', minLength: 1, description: 'The name of the model on its server.' },
    model_version: {
      type: 'string',
      minLength: 1,
      description: 'The version of the model on its server; without it the server chooses.',
    },
    options: { type: 'object', default: {}, description: 'What only this protocol knows.' },
    request: {
      type: 'string',
      minLength: 1,
      description: 'A JSONata expression that makes the request body out of the skill input.',
    },
    response: {
      type: 'string',
      minLength: 1,
      description:
        'A JSONata expression that makes the skill output out of the response body. `$input` is the skill input.',
    },
  },
} as const;

const auth = {
  description: 'What the gateway presents to the model server. Secrets are named by environment variable.',
  default: { type: 'none' },
  type: 'object',
  required: ['type'],
  oneOf: [
    {
      type: 'object',
      title: 'None',
      required: ['type'],
      additionalProperties: false,
      properties: { type: { const: 'none', description: 'Nothing is presented.' } },
    },
    {
      type: 'object',
      title: 'JWT signed by the gateway',
      required: ['type'],
      additionalProperties: false,
      properties: {
        type: { const: 'jwt', description: 'A short-lived JWT that the gateway signs (UPSTREAM_JWT_*).' },
        audience: { type: 'string', description: "The `aud` claim; without it the model server's origin." },
      },
    },
    {
      type: 'object',
      title: 'Bearer token',
      required: ['type', 'token_env'],
      additionalProperties: false,
      properties: {
        type: { const: 'bearer', description: 'A fixed token.' },
        token_env: { ...environmentVariable, description: 'The environment variable that holds the token.' },
      },
    },
    {
      type: 'object',
      title: 'Basic',
      required: ['type', 'username', 'password_env'],
      additionalProperties: false,
      properties: {
        type: { const: 'basic', description: 'User name and password (RFC 7617).' },
        username: { type: 'string', pattern: '^[^:]*$', description: 'The user name, without a colon.' },
        password_env: {
          ...environmentVariable,
          description: 'The environment variable that holds the password.',
        },
      },
    },
    {
      type: 'object',
      title: 'OAuth 2.0 client credentials',
      required: ['type', 'token_url', 'client_id', 'client_secret_env'],
      additionalProperties: false,
      properties: {
        type: {
          const: 'oauth2',
          description: 'A token that an identity provider gives the gateway (RFC 6749, section 4.4).',
        },
        token_url: {
          type: 'string',
          pattern: '^https?://',
          description:
            'The token endpoint of the identity provider. https://, unless it is on this machine or in a network that you trust.',
        },
        client_id: { type: 'string', minLength: 1, description: 'The name of the gateway there.' },
        client_secret_env: {
          ...environmentVariable,
          description: 'The environment variable that holds the secret.',
        },
        client_auth: {
          type: 'string',
          enum: ['basic', 'post'],
          description:
            'How name and secret are sent: in the Authorization header, as unless said otherwise, or in the body.',
        },
        scope: {
          type: 'string',
          minLength: 1,
          description: 'The scopes to ask for, with blanks between them.',
        },
        audience: {
          type: 'string',
          minLength: 1,
          description: 'Whom the token is for, where the provider asks.',
        },
      },
    },
  ],
} as const;

const timeouts = {
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

const retry = {
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

const breaker = {
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

const concurrency = {
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
        'Whether at most `max` jobs run at a time over all processes together, not in each. Calls that wait for their answer count in their own process.',
    },
    queue: { type: 'integer', minimum: 0, default: 256, description: 'Calls that may wait for a place.' },
    queue_ms: { ...milliseconds, default: 10_000, description: 'How long a call may wait for a place.' },
  },
} as const;

const batching = {
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

const gpu = {
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

const cache = {
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

const readiness = {
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

/** JSON Schema of a skill definition, less what the protocols add for `endpoint.options`. */
export const skillDefinitionSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Skillgate skill definition',
  description: 'One local model as a skill that Claude can call.',
  type: 'object',
  required: ['name', 'description', 'input_schema', 'output_schema', 'endpoint'],
  additionalProperties: false,
  properties: {
    $schema: { type: 'string', description: 'Where editors find this schema.' },
    name: {
      type: 'string',
      pattern: '^[a-z][a-z0-9_-]{0,47}$',
      description: 'The name under which Claude calls the skill.',
    },
    version: {
      type: 'string',
      pattern: '^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$',
      default: '1.0.0',
      description: 'Semantic version of the skill.',
    },
    title: { type: 'string', minLength: 1, description: 'The name that people see.' },
    description: {
      type: 'string',
      minLength: 1,
      description: 'What the skill does and when to use it. Claude chooses by this text.',
    },
    tags: {
      type: 'array',
      items: { type: 'string' },
      default: [],
      description: 'For people who look for a skill.',
    },
    annotations: {
      type: 'object',
      default: {},
      additionalProperties: false,
      description: 'Hints for MCP clients.',
      properties: {
        readOnlyHint: { type: 'boolean', description: 'The model changes nothing.' },
        destructiveHint: { type: 'boolean', description: 'The model may destroy something.' },
        idempotentHint: { type: 'boolean', description: 'The same call again changes nothing more.' },
        openWorldHint: { type: 'boolean', description: 'The model reaches beyond its own machine.' },
      },
    },
    input_schema: { type: 'object', description: 'JSON Schema 2020-12 of the input; its root is an object.' },
    output_schema: { type: 'object', description: 'JSON Schema 2020-12 of the output.' },
    endpoint,
    auth,
    timeouts,
    retry,
    breaker,
    concurrency,
    batching,
    gpu,
    cache,
    warmup: {
      type: 'array',
      default: [],
      items: {},
      description: 'Inputs to run, and to cache, when the model first becomes ready.',
    },
    readiness,
    examples: {
      type: 'array',
      default: [],
      description: 'Shown to Claude, and run by `skillgate test`.',
      items: {
        type: 'object',
        required: ['input'],
        additionalProperties: false,
        properties: {
          input: { description: 'An input that fits input_schema.' },
          output: { description: 'What the model answers; parts that are left out are not compared.' },
        },
      },
    },
  },
} as const satisfies JSONSchema;

type Parsed = FromSchema<typeof skillDefinitionSchema>;

/** A skill definition with every default filled in. */
export interface SkillDefinition
  extends Omit<Parsed, 'input_schema' | 'output_schema' | 'warmup' | 'examples' | 'endpoint'> {
  readonly input_schema: JsonSchema;
  readonly output_schema: JsonSchema;
  readonly warmup: readonly JsonValue[];
  readonly examples: readonly SkillExample[];
  readonly endpoint: SkillEndpoint;
}

export interface SkillEndpoint extends Omit<Parsed['endpoint'], 'options'> {
  readonly options: JsonObject;
}

export type SkillAuth = Parsed['auth'];

export interface SkillExample {
  readonly input: JsonValue;
  readonly output?: JsonValue;
}
