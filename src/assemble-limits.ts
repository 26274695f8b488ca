import { DefinitionError } from './contracts/definition-error.ts';
import type { Admission } from './contracts/pipeline.ts';
import type { SkillDefinition } from './contracts/skill-definition.ts';
import { createAdmission } from './policies/admission.ts';
import type { GpuPool } from './policies/gpu-pool.ts';
import { createSharedAdmission } from './policies/shared-admission.ts';
import type { SharedStores } from './stores/redis.ts';

export interface AdmissionParts {
  /** The memory that models share, by the names of GPU_POOLS. */
  readonly gpuPools: ReadonlyMap<string, GpuPool>;
  /** What all gateways share; undefined where there is but this one. */
  readonly shared: Pick<SharedStores, 'slotsOf'> | undefined;
}

/**
 * Decides how many calls go to a skill's model at a time: by their number alone, or by the memory too that they need;
 * in this process, or over all of them.
 *
 * @throws DefinitionError where the definition names a GPU pool that the gateway does not have, or that is too small
 */
export function assembleAdmission(
  definition: SkillDefinition,
  { gpuPools, shared }: AdmissionParts,
): Admission {
  const { name, concurrency } = definition;
  const local = createLocalAdmission(definition, gpuPools);
  if (!concurrency.shared || shared === undefined) return local;
  const slots = shared.slotsOf({ name, slots: concurrency.max });
  return createSharedAdmission({ local, slots, queueMs: concurrency.queue_ms });
}

function createLocalAdmission(
  { concurrency, gpu }: SkillDefinition,
  pools: ReadonlyMap<string, GpuPool>,
): Admission {
  const limits = { max: concurrency.max, queue: concurrency.queue, queueMs: concurrency.queue_ms };
  if (gpu === undefined) return createAdmission(limits);
  const pool = pools.get(gpu.pool);
  if (pool === undefined) {
    const known = [...pools.keys()].join(', ') || 'none';
    throw new DefinitionError(
      '/gpu/pool',
      `${gpu.pool} is not among the pools of GPU_POOLS, which has ${known}`,
    );
  }
  if (gpu.mib > pool.mib) {
    throw new DefinitionError('/gpu/mib', `is ${gpu.mib}, and the pool ${gpu.pool} has ${pool.mib} in all`);
  }
  return pool.admit({ ...limits, mib: gpu.mib });
}
