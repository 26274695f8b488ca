import { SkillgateError, toSkillgateError } from '../contracts/errors.ts';
import type { SkillInvoker } from '../contracts/invocation.ts';
import { type JobExecution, type JobOutcome, longestRetryDelayMs } from '../contracts/jobs.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { Logger } from '../contracts/logger.ts';
import { toProblem } from '../contracts/problem.ts';
import type { SkillCatalog } from '../contracts/skill.ts';
import { wait } from '../lib/abort.ts';
import { type BackoffOptions, backoffMs } from '../lib/backoff.ts';

export interface JobRunOptions {
  readonly invoker: SkillInvoker;
  readonly catalog: Pick<SkillCatalog, 'get'>;
  readonly logger: Logger;
  readonly maxAttempts: number;
  readonly backoff: BackoffOptions;
  /** The largest output that is kept, in bytes. */
  readonly resultMaxBytes: number;
}

/** Between two attempts at storing how a run ended. */
const storing: BackoffOptions = { baseMs: 100, maxMs: 5000 };

/** Failures that time may mend, whatever the pipeline's own retry made of them. */
const passing: ReadonlySet<string> = new Set([
  'model_not_ready',
  'overloaded',
  'circuit_open',
  'upstream_timeout',
]);

/** The reason with which a worker that stops aborts a run. */
export function stopReason(): SkillgateError {
  return new SkillgateError('cancelled', 'The worker stops.');
}

/**
 * Makes one run of a job: one invocation, and what follows from its end. What may go better later is put back, until it
 * was tried too often; the rest fails at once.
 *
 * @param stop aborts when the worker cannot wait any longer; the job is handed back then
 */
export async function runJob(
  execution: JobExecution,
  stop: AbortSignal,
  { invoker, catalog, logger, maxAttempts, backoff, resultMaxBytes }: JobRunOptions,
): Promise<void> {
  const { request, attempt } = execution;
  const definition = catalog.get(request.skill)?.compiled.definition;
  const version = definition?.version ?? request.version;
  const mayRepeat = definition?.retry.idempotent ?? true;
  const fields = { job_id: request.id, skill: request.skill, attempt, request_id: request.requestId };

  async function end(outcome: JobOutcome): Promise<void> {
    const stored = await store(() => execution.end(outcome));
    const code = outcome.status === 'failed' ? outcome.error.code : 'ok';
    logger.info({ ...fields, status: outcome.status, code, stored }, 'job_ended');
  }

  function fail(failure: SkillgateError, dead: boolean): Promise<void> {
    return end({ status: 'failed', error: toProblem(failure, request.requestId), dead, version });
  }

  /** Stores until it is stored, of no use any more, or too late: then the lease runs out, and the job runs again. */
  async function store(write: () => Promise<boolean>): Promise<boolean> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await write();
      } catch (err) {
        logger.error({ ...fields, err }, 'job_not_stored');
        if (execution.signal.aborted || stop.aborted) return false;
        await wait(backoffMs(failures, storing), stop).catch(() => undefined);
      }
    }
  }

  async function putBack(failure: SkillgateError): Promise<void> {
    const delayMs = Math.min(
      Math.max(backoffMs(attempt, backoff), failure.retryAfterMs ?? 0),
      longestRetryDelayMs,
    );
    await store(() => execution.retry(toProblem(failure, request.requestId), delayMs));
    logger.info({ ...fields, code: failure.code, delay_ms: Math.round(delayMs) }, 'job_put_back');
  }

  async function settleFailure(failure: SkillgateError): Promise<void> {
    if (execution.signal.aborted) {
      logger.info({ ...fields, detail: failure.message }, 'job_run_abandoned');
    } else if (stop.aborted && failure.code === 'cancelled') {
      if (!mayRepeat) return fail(brokenOff(), false);
      await store(async () => {
        await execution.release();
        return true;
      });
      logger.info(fields, 'job_handed_back');
    } else if (!(failure.retryable || passing.has(failure.code)) || (failure.mayHaveRun && !mayRepeat)) {
      await fail(failure, false);
    } else if (attempt >= maxAttempts) {
      await fail(failure, true);
    } else {
      await putBack(failure);
    }
  }

  if (execution.interrupted && !mayRepeat) return fail(brokenOff(), false);
  const input: JsonValue = JSON.parse(request.inputJson);
  const answer = await invoker
    .invoke({
      skill: request.skill,
      input,
      caller: request.caller,
      source: 'job',
      requestId: request.requestId,
      traceparent: request.traceparent,
      cacheDirective: request.cacheDirective,
      signal: AbortSignal.any([execution.signal, stop]),
    })
    .catch(toSkillgateError);
  if (answer instanceof SkillgateError) return settleFailure(answer);
  const bytes = Buffer.byteLength(answer.json);
  if (bytes > resultMaxBytes) return fail(tooLarge(bytes, resultMaxBytes), false);
  return end({ status: 'succeeded', outputJson: answer.json, version });
}

function tooLarge(bytes: number, most: number): SkillgateError {
  return new SkillgateError(
    'result_too_large',
    `The answer has ${bytes} bytes; of a job at most ${most} are kept (JOB_RESULT_MAX_BYTES).`,
  );
}

function brokenOff(): SkillgateError {
  return new SkillgateError(
    'internal',
    'The worker stopped while the model may have run. The skill is not idempotent, so the job is not run again.',
  );
}
