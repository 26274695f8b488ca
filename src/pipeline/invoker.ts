import { checkMayUse } from '../contracts/caller.ts';
import { type ErrorCode, SkillgateError, toSkillgateError } from '../contracts/errors.ts';
import type { CallReport, Invocation, Reply, SkillInvoker } from '../contracts/invocation.ts';
import type { Logger } from '../contracts/logger.ts';
import { startCall } from '../contracts/pipeline.ts';
import type { Skill, SkillCatalog } from '../contracts/skill.ts';
import { mapConcurrent } from '../lib/map-concurrent.ts';

export interface InvokerOptions {
  readonly catalog: Pick<SkillCatalog, 'get'>;
  readonly logger: Logger;
}

/** Makes the one way in: it finds the skill, sends the call through its policies, and logs and counts how it ended. */
export function createInvoker({ catalog, logger }: InvokerOptions): SkillInvoker {
  function finish(
    skill: Skill,
    invocation: Invocation,
    report: CallReport,
    startedAt: number,
    failure?: SkillgateError,
  ) {
    const code: ErrorCode | 'ok' = failure?.code ?? 'ok';
    const durationMs = performance.now() - startedAt;
    skill.meter.invocation(invocation.source, code, durationMs / 1000);
    logger.info(
      {
        skill: skill.compiled.definition.name,
        version: skill.compiled.definition.version,
        source: invocation.source,
        duration_ms: Math.round(durationMs * 100) / 100,
        attempts: report.attempts,
        cache: report.collapsed ? 'collapsed' : report.cache,
        code,
        request_id: invocation.requestId,
      },
      'skill_invoked',
    );
    if (code === 'internal') {
      logger.error({ request_id: invocation.requestId, err: failure?.cause ?? failure }, 'invocation_failed');
    }
  }

  function find(name: string): Skill {
    const skill = catalog.get(name);
    if (skill === undefined) throw new SkillgateError('skill_not_found', `There is no skill ${name}.`);
    return skill;
  }

  async function invoke(invocation: Invocation): Promise<Reply> {
    const skill = find(invocation.skill);
    const startedAt = performance.now();
    const report = newReport();
    try {
      const { json } = await skill.handle(startCall(invocation, report));
      finish(skill, invocation, report, startedAt);
      return { json, report };
    } catch (error) {
      const failure = toSkillgateError(error);
      finish(skill, invocation, report, startedAt, failure);
      throw failure;
    }
  }

  return {
    invoke,
    async check(invocation) {
      const skill = find(invocation.skill);
      await skill.check(startCall(invocation, newReport()));
      return skill.compiled.definition.version;
    },
    async invokeEach(invocation, inputs) {
      const { definition } = find(invocation.skill).compiled;
      checkMayUse(invocation.caller, definition.name);
      return mapConcurrent(inputs, definition.concurrency.max, async (input) => {
        // Once nobody listens, the rows that are left are not worth starting.
        invocation.signal.throwIfAborted();
        return invoke({ ...invocation, input }).catch(toSkillgateError);
      });
    },
  };
}

function newReport(): CallReport {
  return { cache: 'bypass', collapsed: false, attempts: 0, upstreamMs: 0 };
}
