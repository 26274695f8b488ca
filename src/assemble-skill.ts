import { resolve } from 'node:path';
import { assembleAdmission } from './assemble-limits.ts';
import type { Config } from './config/load-config.ts';
import type { Adapter, Attempt } from './contracts/adapter.ts';
import { DefinitionError } from './contracts/definition-error.ts';
import { SkillgateError } from './contracts/errors.ts';
import type { Answer } from './contracts/invocation.ts';
import type { JsonValue } from './contracts/json.ts';
import type { SkillMeter } from './contracts/meter.ts';
import type { AnswerPolicy, Handler } from './contracts/pipeline.ts';
import type { ModelLoader } from './contracts/readiness.ts';
import type { CompiledSkill, Skill } from './contracts/skill.ts';
import type { SkillDefinition } from './contracts/skill-definition.ts';
import type { CacheStore } from './contracts/stores.ts';
import { createCredentialSource } from './credentials/credential-source.ts';
import type { OAuth2Tokens } from './credentials/oauth2.ts';
import type { Signer } from './credentials/signer.ts';
import { compose } from './pipeline/compose.ts';
import { createDrain } from './pipeline/drain.ts';
import { attemptTimeout } from './policies/attempt-timeout.ts';
import { authorize } from './policies/authorize.ts';
import { batching } from './policies/batching.ts';
import { createBreaker } from './policies/breaker.ts';
import { cache } from './policies/cache.ts';
import { deadline } from './policies/deadline.ts';
import type { GpuPool } from './policies/gpu-pool.ts';
import { measureAttempt } from './policies/measure-attempt.ts';
import { readinessGate } from './policies/readiness-gate.ts';
import { retry } from './policies/retry.ts';
import { sharedCache } from './policies/shared-cache.ts';
import { singleFlight } from './policies/single-flight.ts';
import { validateInput } from './policies/validate-input.ts';
import { validateOutput } from './policies/validate-output.ts';
import { protocolNamed } from './protocols.ts';
import type { GpuReadings } from './readiness/gpu-readings.ts';
import { createModelLoader } from './readiness/model-loader.ts';
import { createReadinessMonitor } from './readiness/monitor.ts';
import type { SharedStores } from './stores/redis.ts';
import type { Transports } from './transport/transports.ts';

/** What the skills share. */
export interface SharedParts {
  readonly config: Config;
  readonly store: CacheStore;
  /** What all gateways share; undefined where there is but this one. */
  readonly shared: Pick<SharedStores, 'answersOf' | 'slotsOf'> | undefined;
  readonly transports: Transports;
  readonly signer: Signer | undefined;
  readonly oauth2: OAuth2Tokens;
  readonly gpu: GpuReadings;
  /** The memory that models share, by the names of GPU_POOLS. */
  readonly gpuPools: ReadonlyMap<string, GpuPool>;
  readonly meterFor: (definition: SkillDefinition) => SkillMeter;
  /** Told when a skill's model becomes ready for the first time; the signal aborts when the skill is closed. */
  readonly onFirstReady: (skill: CompiledSkill, closed: AbortSignal) => void;
}

/**
 * Puts a skill together, and starts to probe its model. The order of the policies is the order of the two lists.
 *
 * @throws DefinitionError where the definition names credentials or a GPU pool that the gateway does not have
 */
export function assembleSkill(compiled: CompiledSkill, shared: SharedParts): Skill {
  const { definition } = compiled;
  const { timeouts, concurrency, retry: retrying, breaker: breaking } = definition;
  const meter = shared.meterFor(definition);
  const adapter = createAdapter(compiled, shared);
  const closed = new AbortController();
  const loader = definition.readiness.load ? createLoader(definition, adapter, closed.signal) : undefined;
  const readiness = createReadinessMonitor({
    probe: (signal) => adapter.probe(signal),
    intervalMs: definition.readiness.interval_ms,
    gpu: definition.readiness.gpu && shared.gpu.requirement(definition.readiness.gpu),
    onFirstReady: () => shared.onFirstReady(compiled, closed.signal),
  });

  const drain = createDrain<Answer>();
  const admission = assembleAdmission(definition, shared);
  const breaker = createBreaker({ failures: breaking.failures, resetMs: breaking.reset_ms });

  /** The way of a call, or of a batch of calls, from its first attempt to its last. */
  function attempts<Result, Input>(
    run: (attempt: Attempt<Input>) => Promise<Result>,
  ): Handler<Result, Input> {
    return compose<Result, Input>(
      [
        retry({
          maxAttempts: retrying.max_attempts,
          baseMs: retrying.base_ms,
          maxMs: retrying.max_ms,
          idempotent: retrying.idempotent,
          leavesNotReady: loader !== undefined,
        }),
        breaker.policy,
        measureAttempt(meter),
      ],
      attemptTimeout({
        firstByteMs: timeouts.first_byte_ms,
        betweenBytesMs: timeouts.between_bytes_ms,
      })(run),
    );
  }

  const runBatch = adapter.inferBatch?.bind(adapter);
  const infer = compose<JsonValue>(
    [
      readinessGate({
        readiness,
        waitMs: loader || definition.readiness.wait ? concurrency.queue_ms : 0,
        loader,
      }),
      admission.policy,
      deadline(timeouts.total_ms),
    ],
    definition.batching && runBatch
      ? batching({
          maxSize: definition.batching.max_size,
          maxWaitMs: definition.batching.max_wait_ms,
          latencyMs: definition.batching.latency_ms,
          maxInFlight: definition.batching.in_flight,
          idempotent: retrying.idempotent,
          meter,
        })(attempts(runBatch))
      : attempts((attempt) => adapter.infer(attempt)),
  );
  const handle = compose<Answer>(
    [
      drain.policy,
      authorize(definition.name),
      validateInput(compiled.validateInput),
      ...answerSharing(compiled, shared, meter),
    ],
    validateOutput(compiled.validateOutput)(infer),
  );

  const check = compose<void>(
    [authorize(definition.name), validateInput(compiled.validateInput)],
    async () => undefined,
  );

  readiness.start();
  return {
    compiled,
    handle,
    check,
    readiness,
    meter,
    gauges: {
      get inFlight() {
        return admission.inFlight;
      },
      get queued() {
        return admission.queued;
      },
      get circuit() {
        return breaker.state;
      },
    },
    async close() {
      closed.abort();
      readiness.stop();
      await drain.idle();
      await adapter.close();
    },
  };
}

/**
 * How equal calls share answers: over time through the cache of this process, at the same time through one flight, and
 * with other gateways, over time and at the same time, through the cache that all share.
 */
function answerSharing(
  { definition, digest }: CompiledSkill,
  { store, shared, config }: SharedParts,
  meter: SkillMeter,
): readonly AnswerPolicy[] {
  if (!definition.cache.enabled) return [];
  const { name, version, retry: retrying, timeouts } = definition;
  const ttlMs = definition.cache.ttl_ms ?? config.cacheTtlMs;
  const policies = [
    cache({ store, skill: { name, version, digest }, scope: definition.cache.scope, ttlMs, meter }),
  ];
  if (retrying.idempotent) policies.push(singleFlight());
  if (shared) {
    const answers = shared.answersOf({ name, digest });
    const collapses = retrying.idempotent;
    const waitMs = timeouts.total_ms;
    policies.push(sharedCache({ store: answers, skill: name, ttlMs, waitMs, collapses, meter }));
  }
  return policies;
}

function createLoader({ endpoint }: SkillDefinition, adapter: Adapter, closed: AbortSignal): ModelLoader {
  const load = adapter.load?.bind(adapter);
  if (load) return createModelLoader({ load, closed });
  throw new DefinitionError(
    '/readiness/load',
    `cannot be: the protocol ${endpoint.protocol} loads no models`,
  );
}

/** @throws DefinitionError where the model server's host is one that may not be called */
function checkHost({ name, endpoint }: SkillDefinition, transports: Transports): void {
  const url = URL.parse(endpoint.url);
  if (url === null || url.protocol === 'file:') return;
  try {
    transports.checkHost(url);
  } catch (error) {
    if (!(error instanceof SkillgateError)) throw error;
    throw new DefinitionError('/endpoint/url', `skill ${name}: ${error.message}`, error);
  }
}

function createAdapter(
  { definition, mapping, validateOutput: checkOutput }: CompiledSkill,
  { config, transports, signer, oauth2 }: SharedParts,
): Adapter {
  const directory = resolve(config.skillsDir);
  checkHost(definition, transports);
  const credentials = createCredentialSource({
    skill: definition.name,
    auth: definition.auth,
    // Only the schemes of HTTP have an origin (WHATWG URL); gRPC is spoken over it.
    origin: URL.parse(definition.endpoint.url.replace(/^grpc/i, 'http'))?.origin ?? '',
    secret: config.secret,
    signer,
    oauth2,
  });
  return protocolNamed(definition.endpoint.protocol).create({
    definition,
    options: definition.endpoint.options,
    mapping,
    validateOutput: checkOutput,
    transport: transports.for({ timeouts: definition.timeouts, credentials }),
    directory,
  });
}
