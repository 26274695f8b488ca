import { SkillgateError } from '../contracts/errors.ts';
import { changeCall, type OutputPolicy } from '../contracts/pipeline.ts';
import { linkedController } from '../lib/abort.ts';

/**
 * Bounds all attempts and the waits between them: after `totalMs` milliseconds whatever runs is aborted, with
 * `upstream_timeout`.
 */
export function deadline(totalMs: number): OutputPolicy {
  return (next) => async (call) => {
    const { controller, unlink } = linkedController(call.signal);
    const timer = setTimeout(() => controller.abort(tooLate(totalMs)), totalMs);
    try {
      const deadlineAt = performance.now() + totalMs;
      return await next(changeCall(call, { signal: controller.signal, deadlineAt }));
    } finally {
      clearTimeout(timer);
      unlink();
    }
  };
}

function tooLate(totalMs: number): SkillgateError {
  return new SkillgateError(
    'upstream_timeout',
    `The model server gave no answer within ${totalMs} ms, all attempts taken together (total_ms).`,
    { retryable: false },
  );
}
