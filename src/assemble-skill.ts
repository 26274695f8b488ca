import { resolve } from 'node:path';
import type { Config } from './config/load-config.ts';
import type { Adapter } from './contracts/adapter.ts';
import type { Answer } from './contracts/invocation.ts';
import type { JsonValue } from './contracts/json.ts';
import type { SkillMeter } from './contracts/meter.ts';
import type { AnswerPolicy } from './contracts/pipeline.ts';
import type { CompiledSkill, Skill } from './contracts/skill.ts';
import type { SkillDefinition } from './contracts/skill-definition.ts';
import type { CacheStore } from './contracts/stores.ts';
import { createCredentialSource } from './credentials/credential-source.ts';
import type { Signer } from './credentials/signer.ts';
import { compose } from './pipeline/compose.ts';
import { createDrain } from './pipeline/drain.ts';
import { createAdmission } from './policies/admission.ts';
import { attemptTimeout } from './policies/attempt-timeout.ts';
import { authorize } from './policies/authorize.ts';
import { createBreaker } from './policies/breaker.ts';
import { cache } from './policies/cache.ts';
import { deadline } from './policies/deadline.ts';
import { measureAttempt } from './policies/measure-attempt.ts';
import { readinessGate } from './policies/readiness-gate.ts';
import { retry } from './policies/retry.ts';
import { sharedCache } from './policies/shared-cache.ts';
import { singleFlight } from './policies/single-flight.ts';
import { validateInput } from './policies/validate-input.ts';
import { validateOutput } from './policies/validate-output.ts';
import { protocolNamed } from './protocols.ts';
import type { GpuReadings } from './readiness/gpu-readings.ts';
import { createReadinessMonitor } from './readiness/monitor.ts';
import type { SharedStores } from './stores/redis.ts';
import type { Transports } from './transport/transports.ts';

/** What the skills share. */
export interface SharedParts {
  readonly config: Config;
  readonly store: CacheStore;
  /** What all gateways share; undefined where there is but this one. */
  readonly shared: Pick<SharedStores, 'answersOf'> | undefined;
  readonly transports: Transports;
  readonly signer: Signer | undefined;
  readonly gpu: GpuReadings;
  readonly meterFor: (definition: SkillDefinition) => SkillMeter;
  /** Told when a skill's model becomes ready for the first time; the signal aborts when the skill is closed. */
  readonly onFirstReady: (skill: CompiledSkill, closed: AbortSignal) => void;
}

/**
 * Puts a skill together, and starts to probe its model. The order of the policies is the order of the two lists.
 *
 * @throws CredentialError where the definition names credentials that the gateway does not have
 */
export function assembleSkill(compiled: CompiledSkill, shared: SharedParts): Skill {
  const { definition } = compiled;
  const { timeouts, concurrency, retry: retrying, breaker: breaking } = definition;
  const meter = shared.meterFor(definition);
  const adapter = createAdapter(compiled, shared);
  const closed = new AbortController();
  const readiness = createReadinessMonitor({
    probe: (signal) => adapter.probe(signal),
    intervalMs: definition.readiness.interval_ms,
    gpu: definition.readiness.gpu && shared.gpu.requirement(definition.readiness.gpu),
    onFirstReady: () => shared.onFirstReady(compiled, closed.signal),
  });

  const drain = createDrain<Answer>();
  const admission = createAdmission({
    max: concurrency.max,
    queue: concurrency.queue,
    queueMs: concurrency.queue_ms,
  });
  const breaker = createBreaker({ failures: breaking.failures, resetMs: breaking.reset_ms });

  const infer = compose<JsonValue>(
    [
      readinessGate({ readiness, waitMs: definition.readiness.wait ? concurrency.queue_ms : 0 }),
      admission.policy,
      deadline(timeouts.total_ms),
      retry({
        maxAttempts: retrying.max_attempts,
        baseMs: retrying.base_ms,
        maxMs: retrying.max_ms,
        idempotent: retrying.idempotent,
      }),
      breaker.policy,
      measureAttempt(meter),
    ],
    attemptTimeout({
      firstByteMs: timeouts.first_byte_ms,
      betweenBytesMs: timeouts.between_bytes_ms,
    })((attempt) => adapter.infer(attempt)),
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

function createAdapter(
  { definition, mapping }: CompiledSkill,
  { config, transports, signer }: SharedParts,
): Adapter {
  const directory = resolve(config.skillsDir);
  const credentials = createCredentialSource({
    skill: definition.name,
    auth: definition.auth,
    origin: URL.parse(definition.endpoint.url)?.origin ?? '',
    secret: config.secret,
    signer,
  });
  return protocolNamed(definition.endpoint.protocol).create({
    definition,
    options: definition.endpoint.options,
    mapping,
    transport: transports.for({ timeouts: definition.timeouts, credentials }),
    directory,
  });
}
