import type { Secret } from '../lib/secret.ts';
import { signingAlgorithms } from '../lib/signing-key.ts';
import {
  addressRanges,
  amqpUrl,
  anyText,
  apiKeys,
  boolean,
  byteSize,
  directoryPath,
  gpuPools,
  hostPatterns,
  httpUrl,
  type Kind,
  listenAddress,
  oneOf,
  pemFile,
  privateKey,
  proxyUrl,
  redisUrl,
  secretText,
  wholeNumber,
} from './kinds.ts';

/** An environment variable: from its row follow the parser, the type of the configuration and the documentation. */
export interface Variable {
  readonly name: string;
  readonly kind: Kind<unknown>;
  /** What holds when it is not set, written as it would be set. */
  readonly default?: string;
  readonly description: string;
  /** Also taken from a file named by NAME_FILE, read again when that file changes, and never shown. */
  readonly secret?: true;
  /** May hold a password: never shown. */
  readonly hidden?: true;
  /** Also taken in lower case, which comes first, as in curl. */
  readonly lowerCaseToo?: true;
}

const day = 86_400_000;
const mebibyte = 1024 ** 2;

const listening = {
  host: {
    name: 'HOST',
    kind: listenAddress,
    default: '127.0.0.1',
    description:
      'The address to listen on. Beyond loopback the gateway starts only with credentials for callers, or with ALLOW_ANONYMOUS=true.',
  },
  port: {
    name: 'PORT',
    kind: wholeNumber(0, 65_535),
    default: '8080',
    description: 'The port to listen on; 0 takes a free one.',
  },
  trustProxy: {
    name: 'TRUST_PROXY',
    kind: addressRanges,
    description:
      'The addresses of the reverse proxies in front of the gateway. What they say in X-Forwarded-Proto and X-Forwarded-Host is taken for the URLs that the gateway writes; without it those are made of the Host header, with http.',
  },
  requestTimeoutMs: {
    name: 'REQUEST_TIMEOUT_MS',
    kind: wholeNumber(1, day),
    default: '30000',
    description: 'How long a caller may take to send a request, headers and body.',
  },
  bodyLimitBytes: {
    name: 'BODY_LIMIT_BYTES',
    kind: byteSize(1, 512 * mebibyte),
    default: '10MiB',
    description: 'The largest request body that is read.',
  },
  shutdownGraceMs: {
    name: 'SHUTDOWN_GRACE_MS',
    kind: wholeNumber(0, day),
    default: '10000',
    description: 'How long the calls in flight may take to end after SIGTERM.',
  },
  logLevel: {
    name: 'LOG_LEVEL',
    kind: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    description:
      'The least weight a log line must have. Secrets are in none; inputs in none from info upwards.',
  },
  nodeEnv: {
    name: 'NODE_ENV',
    kind: anyText,
    description: 'With production, UPSTREAM_TLS_INSECURE is refused.',
  },
} as const satisfies Record<string, Variable>;

const skills = {
  skillsDir: {
    name: 'SKILLS_DIR',
    kind: directoryPath,
    default: 'schemas/skills',
    description: 'The folder of the skill definitions.',
  },
  gpuPools: {
    name: 'GPU_POOLS',
    kind: gpuPools,
    description:
      'GPU memory that skills share, in MiB by names of pools, such as `default:24000`. Calls of the skills that name a pool in `gpu` never need more of it together.',
  },
} as const satisfies Record<string, Variable>;

const callers = {
  authApiKeys: {
    name: 'AUTH_API_KEYS',
    kind: apiKeys,
    secret: true,
    description:
      'The keys that callers may present, as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Without skills behind it a key covers all. In a file there may be one entry a line.',
  },
  authJwtJwksUrl: {
    name: 'AUTH_JWT_JWKS_URL',
    kind: httpUrl,
    description:
      'Where the public keys are that verify JWTs of callers (RS256, PS256, ES256, EdDSA). Needs AUTH_JWT_ISSUER and AUTH_JWT_AUDIENCE.',
  },
  authJwtSecret: {
    name: 'AUTH_JWT_SECRET',
    kind: secretText(32),
    secret: true,
    description: 'The secret that verifies JWTs of callers (HS256). Needs AUTH_JWT_AUDIENCE.',
  },
  authJwtIssuer: {
    name: 'AUTH_JWT_ISSUER',
    kind: anyText,
    description: 'The `iss` that a JWT of a caller must have.',
  },
  authJwtAudience: {
    name: 'AUTH_JWT_AUDIENCE',
    kind: anyText,
    description:
      'The `aud` that a JWT of a caller must have. Needed, since without it a token for another service would open this one (RFC 8725, section 3.9).',
  },
  allowAnonymous: {
    name: 'ALLOW_ANONYMOUS',
    kind: boolean,
    default: 'false',
    description:
      'Whether the gateway may listen beyond loopback without asking for credentials. Where credentials are configured they are asked for all the same.',
  },
  rateLimitMax: {
    name: 'RATE_LIMIT_MAX',
    kind: wholeNumber(0, 1_000_000_000),
    default: '0',
    description: 'Requests that one caller may make in a window; 0 sets no limit.',
  },
  rateLimitWindowMs: {
    name: 'RATE_LIMIT_WINDOW_MS',
    kind: wholeNumber(1, day),
    default: '60000',
    description: 'The length of that window.',
  },
  rateLimitFallback: {
    name: 'RATE_LIMIT_FALLBACK',
    kind: oneOf('local', 'refuse'),
    default: 'local',
    description:
      'With REDIS_URL set all gateways count together. While Redis is away each counts for itself (local), or requests are refused with 503 (refuse).',
  },
} as const satisfies Record<string, Variable>;

const upstreamCredentials = {
  upstreamJwtSecret: {
    name: 'UPSTREAM_JWT_SECRET',
    kind: secretText(32),
    secret: true,
    description: 'The secret that signs JWTs for model servers (HS256), for skills with `auth.type` jwt.',
  },
  upstreamJwtPrivateKey: {
    name: 'UPSTREAM_JWT_PRIVATE_KEY',
    kind: privateKey,
    secret: true,
    description:
      'The key that signs them instead. Its public half is at /.well-known/jwks.json. In a variable \\n may stand for a line break.',
  },
  upstreamJwtAlg: {
    name: 'UPSTREAM_JWT_ALG',
    kind: oneOf(...signingAlgorithms),
    description:
      'The algorithm to sign with. It follows from the key: HS256 for a secret, RS256, ES256 or EdDSA for a private key. Set, it has to fit.',
  },
  upstreamJwtIssuer: {
    name: 'UPSTREAM_JWT_ISSUER',
    kind: anyText,
    default: 'skillgate',
    description: 'The `iss` of those JWTs.',
  },
  upstreamJwtTtlS: {
    name: 'UPSTREAM_JWT_TTL_S',
    kind: wholeNumber(30, 86_400),
    default: '300',
    description: 'How long such a JWT is good, in seconds.',
  },
} as const satisfies Record<string, Variable>;

const upstreamNetwork = {
  upstreamAllowHosts: {
    name: 'UPSTREAM_ALLOW_HOSTS',
    kind: hostPatterns,
    description:
      'The hosts that skills may name as model servers. Unset, every host that a skill file names. Link-local metadata addresses are refused in either case.',
  },
  upstreamCaFile: {
    name: 'UPSTREAM_CA_FILE',
    kind: pemFile,
    description: 'PEM certificates to trust beside those that Node trusts: a corporate CA.',
  },
  upstreamClientCertFile: {
    name: 'UPSTREAM_CLIENT_CERT_FILE',
    kind: pemFile,
    description: 'The PEM certificate with which the gateway names itself to model servers (mTLS).',
  },
  upstreamClientKeyFile: {
    name: 'UPSTREAM_CLIENT_KEY_FILE',
    kind: pemFile,
    description: 'The PEM private key of that certificate.',
  },
  upstreamTlsInsecure: {
    name: 'UPSTREAM_TLS_INSECURE',
    kind: boolean,
    default: 'false',
    description: 'Takes any certificate of a model server. Warns at every start.',
  },
  httpProxy: {
    name: 'HTTP_PROXY',
    kind: proxyUrl,
    hidden: true,
    lowerCaseToo: true,
    description: 'The proxy for http:// model servers.',
  },
  httpsProxy: {
    name: 'HTTPS_PROXY',
    kind: proxyUrl,
    hidden: true,
    lowerCaseToo: true,
    description: 'The proxy for https:// model servers.',
  },
  noProxy: {
    name: 'NO_PROXY',
    kind: anyText,
    lowerCaseToo: true,
    description: 'Hosts that are reached without the proxy, with commas between them.',
  },
} as const satisfies Record<string, Variable>;

const cache = {
  cacheMaxEntries: {
    name: 'CACHE_MAX_ENTRIES',
    kind: wholeNumber(1, 10_000_000),
    default: '1024',
    description: 'The most answers that are kept.',
  },
  cacheMaxBytes: {
    name: 'CACHE_MAX_BYTES',
    kind: byteSize(1, 1024 ** 4),
    default: '64MiB',
    description: 'The most memory that they take, about.',
  },
  cacheTtlMs: {
    name: 'CACHE_TTL_MS',
    kind: wholeNumber(1, day),
    default: '300000',
    description: 'How long an answer is good, where its skill does not say.',
  },
  redisUrl: {
    name: 'REDIS_URL',
    kind: redisUrl,
    secret: true,
    description:
      'The Redis in which gateways share answers, count requests and the calls of skills with `concurrency.shared` together, and with AMQP_URL keep their jobs. Without it each keeps its own. User and password stand in the URL; rediss:// speaks TLS.',
  },
  redisTimeoutMs: {
    name: 'REDIS_TIMEOUT_MS',
    kind: wholeNumber(1, 10_000),
    default: '10',
    description:
      'How long a call waits for an answer of Redis. After three that came too late nobody waits, until Redis answers in time again.',
  },
} as const satisfies Record<string, Variable>;

const jobs = {
  amqpUrl: {
    name: 'AMQP_URL',
    kind: amqpUrl,
    secret: true,
    description:
      'The RabbitMQ in which jobs wait, for gateways and workers on several machines; REDIS_URL has their states and results then. Without it a file in DATA_DIR has both. User, password and virtual host stand in the URL; amqps:// speaks TLS.',
  },
  dataDir: {
    name: 'DATA_DIR',
    kind: directoryPath,
    default: '.data',
    description:
      'The folder of the file that keeps the jobs. Any number of processes of one machine may share it; it must not be on a network file system.',
  },
  jobConcurrency: {
    name: 'JOB_CONCURRENCY',
    kind: wholeNumber(0, 1024),
    default: '8',
    description:
      'Jobs that run at a time in this process, each skill within its own limits. With 0 `serve` accepts jobs and leaves them to others.',
  },
  jobQueueMax: {
    name: 'JOB_QUEUE_MAX',
    kind: wholeNumber(1, 10_000_000),
    default: '10000',
    description: 'Jobs that may wait; more are refused.',
  },
  jobMaxAttempts: {
    name: 'JOB_MAX_ATTEMPTS',
    kind: wholeNumber(1, 1000),
    default: '20',
    description:
      'How often a job is started at most: after failures that may pass, such as a model that is not ready, and after the end of its worker.',
  },
  jobRetryBaseMs: {
    name: 'JOB_RETRY_BASE_MS',
    kind: wholeNumber(1, day),
    default: '1000',
    description:
      'How long a job waits after its first such failure. The wait doubles from failure to failure.',
  },
  jobRetryMaxMs: {
    name: 'JOB_RETRY_MAX_MS',
    kind: wholeNumber(1, 600_000),
    default: '60000',
    description: 'The longest such wait, unless the model server asks for a longer one.',
  },
  jobLeaseMs: {
    name: 'JOB_LEASE_MS',
    kind: wholeNumber(100, 3_600_000),
    default: '15000',
    description:
      'After how long without a sign of life from its worker a job is given to another. The same for all processes that share the jobs.',
  },
  jobResultTtlMs: {
    name: 'JOB_RESULT_TTL_MS',
    kind: wholeNumber(1, 365 * day),
    default: '86400000',
    description: 'How long a job that has ended is kept, with its result and its idempotency key.',
  },
  jobResultMaxBytes: {
    name: 'JOB_RESULT_MAX_BYTES',
    kind: byteSize(1, 512 * mebibyte),
    default: '16MiB',
    description: 'The largest output that is kept of a job.',
  },
  jobStoreMaxBytes: {
    name: 'JOB_STORE_MAX_BYTES',
    kind: byteSize(mebibyte, 1024 ** 4),
    default: '8GiB',
    description:
      'The size that the file in DATA_DIR may have. New jobs are refused from nine tenths of it on, so that results find room.',
  },
} as const satisfies Record<string, Variable>;

/** Every variable, by the name of its property in the configuration. */
export const variables = {
  ...listening,
  ...skills,
  ...callers,
  ...upstreamCredentials,
  ...upstreamNetwork,
  ...cache,
  ...jobs,
} as const;

/** The variables in the order and under the titles in which people read them. */
export const sections: readonly { readonly title: string; readonly variables: readonly Variable[] }[] = [
  { title: 'Listening', variables: Object.values(listening) },
  { title: 'Skills', variables: Object.values(skills) },
  { title: 'Callers', variables: Object.values(callers) },
  { title: 'Credentials for model servers', variables: Object.values(upstreamCredentials) },
  { title: 'The way to model servers', variables: Object.values(upstreamNetwork) },
  { title: 'Cache', variables: Object.values(cache) },
  { title: 'Jobs', variables: Object.values(jobs) },
];

type KindValue<Row> = Row extends { kind: Kind<infer Value> } ? Value : never;

type VariableValue<Row> = Row extends { secret: true }
  ? Secret | undefined
  : Row extends { default: string }
    ? KindValue<Row>
    : KindValue<Row> | undefined;

/** The value of every variable. */
export type Settings = {
  readonly [Property in keyof typeof variables]: VariableValue<(typeof variables)[Property]>;
};
