import { gatewayCaller } from '../contracts/caller.ts';
import { toSkillgateError } from '../contracts/errors.ts';
import type { SkillInvoker } from '../contracts/invocation.ts';
import type { Logger } from '../contracts/logger.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';

export interface WarmUpOptions {
  readonly definition: SkillDefinition;
  readonly invoker: SkillInvoker;
  readonly logger: Logger;
  /** Aborts when the skill is closed. */
  readonly signal: AbortSignal;
}

/**
 * Runs a skill's warm-up inputs through the pipeline, so that the model is warm and its answers are stored. One at a
 * time: the first real callers come at the same moment, and are worth more. A failure is logged and costs nothing else.
 */
export async function warmUp({ definition, invoker, logger, signal }: WarmUpOptions): Promise<void> {
  for (const [index, input] of definition.warmup.entries()) {
    if (signal.aborted) return;
    const requestId = `warmup-${definition.name}-${index}`;
    try {
      await invoker.invoke({
        skill: definition.name,
        input,
        caller: gatewayCaller,
        source: 'warmup',
        requestId,
        cacheDirective: 'default',
        signal,
      });
    } catch (error) {
      const { code, message } = toSkillgateError(error);
      logger.warn({ skill: definition.name, request_id: requestId, code, detail: message }, 'warmup_failed');
    }
  }
}
