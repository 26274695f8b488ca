import type { Caller } from './caller.ts';
import type { CacheDirective } from './invocation.ts';
import type { JsonValue } from './json.ts';
import type { Problem } from './problem.ts';

/** Every state of a job. The last three are final. */
export const jobStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;

export type JobStatus = (typeof jobStatuses)[number];

/** Whether a job in this state stays in it. */
export function hasEnded({ status }: { readonly status: JobStatus }): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled';
}

/** What is kept of a call that somebody else will make later: all that an `Invocation` needs. */
export interface JobRequest {
  /** UUIDv7, so that jobs sort by their age. */
  readonly id: string;
  readonly skill: string;
  /** The skill's version when the job was accepted. */
  readonly version: string;
  /** The input's JSON text. */
  readonly inputJson: string;
  /** Who asked, with the grants of that moment. */
  readonly caller: Caller;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly cacheDirective: CacheDirective;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
}

/** Makes a repeated submission give the first one's job. Keys are kept as long as their job. */
export interface Idempotency {
  /** Unique to the caller and the skill. */
  readonly key: string;
  /** A digest of the canonical input: the same key with another digest is a conflict. */
  readonly inputDigest: string;
}

/** A job without its output, as lists show it. Times are milliseconds since 1970. */
export interface JobSummary {
  readonly id: string;
  readonly skill: string;
  /** The version that ran to the end; before that the version at acceptance. */
  readonly version: string;
  readonly status: JobStatus;
  /** How often it was started; a start that was handed back does not count. */
  readonly attempts: number;
  readonly createdAtMs: number;
  /** The start of the latest run. */
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  /** Why it failed; while it is queued again, why the latest run did. */
  readonly error?: Problem;
}

/** A job as its caller sees it. */
export interface Job extends JobSummary {
  /** The output's JSON text, once it succeeded. */
  readonly outputJson?: string;
}

/** Something that happened to a job. */
export interface JobEvent {
  /** 1 for the first event of a job, and one more for each that follows. */
  readonly id: number;
  readonly atMs: number;
  /** The state that it entered. */
  readonly status: JobStatus;
  readonly attempts: number;
  /** Why the run before failed, or the job. */
  readonly error?: Problem;
  /** When it is going to be tried again, where it waits for that. */
  readonly retryAtMs?: number;
}

/** What became of a submission. */
export type Submission =
  /** The job is on disk, or confirmed by the broker: it will end. */
  | { readonly kind: 'accepted'; readonly job: Job }
  /** The key was used before, with this input. */
  | { readonly kind: 'repeated'; readonly job: Job }
  /** The key was used before, with another input. */
  | { readonly kind: 'conflict' }
  /** As many jobs wait as may wait, or as there is room for. */
  | { readonly kind: 'full' };

export interface JobQuery {
  readonly skill?: string | undefined;
  readonly status?: JobStatus | undefined;
  /** Only jobs that are older than this one. */
  readonly before?: string | undefined;
  /** The most jobs to give. */
  readonly limit: number;
}

/** Tells when something may have happened. */
export interface Watch {
  /** Resolves at the first change since the watch began or this last resolved; rejects with the signal's reason. */
  changed(signal: AbortSignal): Promise<void>;
  close(): void;
}

/**
 * What those who ask for jobs need: states, results, keys, events. Every caller sees its own jobs only; those of
 * others do not exist for it.
 *
 * Every method throws SkillgateError `overloaded` where the store cannot work at the moment (a full disk, a server that
 * is gone). What was promised before stays promised.
 */
export interface JobStore {
  /**
   * Accepts a job, durably: state, key and place in the queue. A crash in the middle leaves nothing that a repeat with
   * the same key would not complete.
   */
  submit(request: JobRequest, idempotency: Idempotency | undefined): Promise<Submission>;
  find(id: string, callerId: string): Promise<Job | undefined>;
  /** The newest first. */
  list(callerId: string, query: JobQuery): Promise<readonly JobSummary[]>;
  /** The events after the one with this number, in order; undefined where there is no such job. */
  events(id: string, callerId: string, after: number): Promise<readonly JobEvent[] | undefined>;
  /** Watches a job, also for what other processes do to it. */
  watch(id: string): Promise<Watch>;
  /**
   * Ends a job as `cancelled` unless it has ended. A run under way is told, in whatever process it is, and can store
   * nothing any more.
   *
   * @returns the job as it is then
   */
  cancel(id: string, callerId: string): Promise<Job | undefined>;
  /** How many jobs there are in each state, of all callers. */
  counts(): Promise<Readonly<Record<JobStatus, number>>>;
}

/** The longest that a job is put back for, in milliseconds. */
export const longestRetryDelayMs = 600_000;

/** What a worker has places for. */
export interface JobWant {
  /** The most executions to give. */
  readonly count: number;
  /**
   * How many jobs of a skill this process can start now; a skill that is not named has no limit. Jobs without a place
   * keep theirs in the queue, as well as it can be done.
   */
  readonly places: ReadonlyMap<string, number>;
  /** Skills of which only so many jobs may run at a time, all processes taken together. */
  readonly sharedLimits: ReadonlyMap<string, number>;
}

/** How a run ended. */
export type JobOutcome = (
  | { readonly status: 'succeeded'; readonly outputJson: string }
  | {
      readonly status: 'failed';
      readonly error: Problem;
      /** Whether it might succeed at another time, and was only tried too often: a dead letter, kept for the operator. */
      readonly dead: boolean;
    }
) & {
  /** The version of the skill that ran. */
  readonly version: string;
};

/**
 * One run of a job, which nobody else makes at the same time as far as can be known: it holds a lease that is renewed
 * while the process lives, and a fencing token without which nothing is stored.
 */
export interface JobExecution {
  readonly request: JobRequest;
  /** 1 for the first run. */
  readonly attempt: number;
  /** Whether the run before this one ended without a word: its process is gone, and the model may have run. */
  readonly interrupted: boolean;
  /** Aborts when the run is of no use any more: the job was cancelled, or another worker has it. */
  readonly signal: AbortSignal;
  /**
   * Stores how it ended. May be called again when it throws.
   *
   * @returns false where the run was of no use any more; nothing is stored then
   */
  end(outcome: JobOutcome): Promise<boolean>;
  /**
   * Puts the job back, to be tried again after so many milliseconds, at most `longestRetryDelayMs`.
   *
   * @returns as `end` does
   */
  retry(error: Problem, delayMs: number): Promise<boolean>;
  /** Hands the job back as if it had never been taken. */
  release(): Promise<void>;
}

/** A job that was given up, with the reason. */
export interface DeadJob extends JobSummary {
  readonly callerId: string;
}

/** What those who run jobs need. Every method throws as those of `JobStore` do. */
export interface JobQueue {
  /**
   * Takes the oldest jobs that are due and may start, and counts the attempt. A job that was started `maxAttempts` times
   * and whose last run ended without a word is not given out again: it ends as `failed`.
   *
   * @returns at once, and nothing where there is nothing
   */
  take(want: JobWant): Promise<readonly JobExecution[]>;
  /** Watches for jobs that can be taken: new ones, and those whose time has come. */
  watchDue(): Promise<Watch>;
  /** Jobs that were given up, the newest first. */
  listDead(limit: number): Promise<readonly DeadJob[]>;
  /** Queues a dead job again, with its attempts forgotten. Gives false where there is no such dead job. */
  retryDead(id: string): Promise<boolean>;
}

/** How a backend deals with jobs. */
export interface JobBackendOptions {
  /** Jobs that may wait; more are refused. */
  readonly queueMax: number;
  /** How long a run is taken to be alive after its last sign, in milliseconds. */
  readonly leaseMs: number;
  /** How often a run gives a sign, in milliseconds: a third of the lease unless said otherwise. */
  readonly renewMs?: number;
  readonly maxAttempts: number;
  /** How long an ended job is kept, in milliseconds. */
  readonly resultTtlMs: number;
  /** Told of what went wrong outside of any call. */
  readonly warn: (event: string, error: unknown) => void;
}

/** Where jobs are kept and wait: one file, or a broker and a store behind it. */
export interface JobBackend extends JobStore, JobQueue {
  /** Lets go. Runs that were neither ended nor handed back are those of a process that is gone. */
  close(): Promise<void>;
}

/** A call that is to be made as a job. */
export interface JobSubmission {
  readonly skill: string;
  readonly input: JsonValue;
  readonly caller: Caller;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly cacheDirective: CacheDirective;
  /** The caller's `Idempotency-Key`. */
  readonly idempotencyKey: string | undefined;
}

/** What an entrypoint does with jobs. Ids that the caller does not own throw `job_not_found`. */
export interface JobService {
  /**
   * Accepts a job once it is durable.
   *
   * @returns the job; with a key that was used before, that submission's job
   * @throws SkillgateError `skill_not_found`, `forbidden`, `invalid_input`, `overloaded`, `idempotency_conflict`
   */
  submit(submission: JobSubmission): Promise<Job>;
  /** @throws SkillgateError `job_not_found` */
  get(id: string, caller: Caller): Promise<Job>;
  /**
   * The job when it has ended, or as it is after `waitMs` milliseconds, or when the gateway stops.
   *
   * @throws SkillgateError `job_not_found`, or the signal's reason
   */
  wait(id: string, caller: Caller, waitMs: number, signal: AbortSignal): Promise<Job>;
  /**
   * The job's events after the one with this number, as they come, to the one with which it ended. Ends early when the
   * gateway stops.
   *
   * @throws SkillgateError `job_not_found`, before the first event; or the signal's reason
   */
  follow(id: string, caller: Caller, after: number, signal: AbortSignal): AsyncIterable<JobEvent>;
  /** Ends the job as `cancelled` unless it has ended. */
  cancel(id: string, caller: Caller): Promise<Job>;
  /** The caller's own jobs, the newest first. */
  list(caller: Caller, query: JobQuery): Promise<readonly JobSummary[]>;
}

/** A backend cannot be opened: the message says which, and why. Start-up ends with it. */
export class JobBackendError extends Error {
  override readonly name = 'JobBackendError';
}
