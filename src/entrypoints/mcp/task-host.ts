import type { Caller } from '../../contracts/caller.ts';
import { SkillgateError, toSkillgateError } from '../../contracts/errors.ts';
import { hasEnded, type Job, type JobService, type JobSummary } from '../../contracts/jobs.ts';
import type { JsonObject, JsonValue } from '../../contracts/json.ts';
import type { Logger } from '../../contracts/logger.ts';
import type { Era } from './era.ts';
import { taskAfterMs } from './progress.ts';
import { describeTask } from './task.ts';
import type { Tool } from './tool.ts';
import type { CallContext, ResultContext, ToolHost } from './tool-host.ts';
import { errorResult, type ToolResult } from './tool-result.ts';

/** Calls of tools that are made as jobs. Every method rejects with a SkillgateError: ids of others are unknown. */
export interface TaskHost {
  /** Makes the call a job. */
  begin(tool: Tool, input: JsonValue, context: CallContext): Promise<Job>;
  /** The job as it is after a moment, or at its end. Who leaves in that moment takes it along. */
  waitAMoment(job: Job, context: CallContext): Promise<Job>;
  find(id: string, caller: Caller): Promise<Job>;
  /** The job once it has ended. */
  waitForEnd(id: string, caller: Caller, signal: AbortSignal): Promise<Job>;
  /** Cancels the job unless it has ended. */
  cancel(id: string, caller: Caller): Promise<Job>;
  /** The caller's jobs, the newest first. */
  list(caller: Caller, before: string | undefined, limit: number): Promise<readonly JobSummary[]>;
  /** The job as a task of this era, without its result. */
  describe(job: JobSummary, era: Era): JsonObject;
  /** What `tools/call` would have answered; undefined where there is no such tool for the caller any more. */
  resultOf(ended: Job, context: ResultContext): Promise<ToolResult | undefined>;
}

export interface TaskHostOptions {
  readonly host: ToolHost;
  readonly jobs: JobService;
  /** How long a job is kept after its end, in milliseconds. */
  readonly keepMs: number;
  readonly logger: Logger;
}

/** The longest that Node's timers can wait, in milliseconds. */
const longestWaitMs = 2 ** 31 - 1;

/** Lets calls of tools be made as jobs. */
export function createTaskHost({ host, jobs, keepMs, logger }: TaskHostOptions): TaskHost {
  async function told<Result>(work: Promise<Result>, signal?: AbortSignal): Promise<Result> {
    try {
      return await work;
    } catch (err) {
      if (signal?.aborted) throw new SkillgateError('cancelled', 'The caller left.', { cause: err });
      const failure = toSkillgateError(err);
      if (failure.code === 'internal') logger.error({ err }, 'mcp_task_failed');
      throw failure;
    }
  }

  return {
    begin(tool, input, { caller, requestId, traceparent, cacheDirective }) {
      const skill = tool.skill.compiled.definition.name;
      const submission = { skill, input, caller, requestId, traceparent, cacheDirective };
      return told(jobs.submit({ ...submission, idempotencyKey: undefined }));
    },
    async waitAMoment(job, { caller, signal }) {
      // What cannot be told now, the client asks for later: the job is there.
      const latest = await jobs.wait(job.id, caller, taskAfterMs, signal).catch(() => job);
      if (!signal.aborted || hasEnded(latest)) return latest;
      return told(jobs.cancel(job.id, caller));
    },
    find: (id, caller) => told(jobs.get(id, caller)),
    async waitForEnd(id, caller, signal) {
      const job = await told(jobs.wait(id, caller, longestWaitMs, signal), signal);
      if (hasEnded(job)) return job;
      throw new SkillgateError('overloaded', 'The gateway stops. The task goes on: ask again.');
    },
    cancel: (id, caller) => told(jobs.cancel(id, caller)),
    list: (caller, before, limit) => told(jobs.list(caller, { before, limit })),
    describe: (job, era) => describeTask(job, era, keepMs),
    async resultOf(job, context) {
      const isGone = job.error?.code === 'skill_not_found';
      const tool = isGone ? undefined : host.find(job.skill, context.caller);
      if (tool === undefined) return undefined;
      if (job.outputJson !== undefined) return host.show(tool, job.outputJson, context);
      return errorResult(failureOf(job), job.error?.request_id ?? context.requestId);
    },
  };
}

function failureOf({ error }: Job): SkillgateError {
  if (error === undefined) return new SkillgateError('cancelled', 'The task was cancelled on request.');
  return new SkillgateError(error.code, error.detail, error.errors && { faults: error.errors });
}
