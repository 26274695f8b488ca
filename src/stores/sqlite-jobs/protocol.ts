import type {
  DeadJob,
  Idempotency,
  Job,
  JobEvent,
  JobOutcome,
  JobQuery,
  JobRequest,
  JobStatus,
  JobSummary,
  JobWant,
  Submission,
} from '../../contracts/jobs.ts';
import type { Problem } from '../../contracts/problem.ts';

/** What the thread is started with. */
export interface ThreadSetup {
  readonly path: string;
  readonly maxBytes: number;
  readonly queueMax: number;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  readonly resultTtlMs: number;
}

/** A run, and the fence that makes it the one that may store. */
export interface Lease {
  readonly job: number;
  readonly fence: number;
}

/** A run as the thread gives it out. */
export interface TakenRun extends Lease {
  readonly request: JobRequest;
  readonly attempt: number;
  readonly interrupted: boolean;
}

export interface Taken {
  readonly runs: readonly TakenRun[];
  /** When the next delayed job is due, in milliseconds from now, where one waits. */
  readonly nextDueMs: number | undefined;
}

/** A lease that is not good any more, and the state that its job has. */
export interface LostLease extends Lease {
  readonly status: JobStatus | undefined;
}

interface OfCaller {
  readonly id: string;
  readonly callerId: string;
}

/** Everything that the thread can be asked to do. */
export interface OperationTypes {
  submit: {
    argument: { readonly request: JobRequest; readonly idempotency: Idempotency | undefined };
    result: Submission;
  };
  find: { argument: OfCaller; result: Job | undefined };
  list: { argument: JobQuery & { readonly callerId: string }; result: readonly JobSummary[] };
  events: { argument: OfCaller & { readonly after: number }; result: readonly JobEvent[] | undefined };
  counts: { argument: undefined; result: Readonly<Record<JobStatus, number>> };
  cancel: { argument: OfCaller; result: Job | undefined };
  take: { argument: JobWant; result: Taken };
  end: { argument: Lease & { readonly outcome: JobOutcome }; result: boolean };
  retry: { argument: Lease & { readonly error: Problem; readonly delayMs: number }; result: boolean };
  release: { argument: Lease; result: boolean };
  /** Gives signs of life; gives back the leases that are good no more. */
  renew: { argument: readonly Lease[]; result: readonly LostLease[] };
  /** Takes jobs away from runs that gave no sign for too long. */
  takeOver: { argument: undefined; result: undefined };
  /** Deletes ended jobs whose time is over; gives whether there may be more. */
  sweep: { argument: undefined; result: boolean };
  listDead: { argument: number; result: readonly DeadJob[] };
  retryDead: { argument: string; result: boolean };
}

export type OperationName = keyof OperationTypes;
export type Argument<Name extends OperationName> = OperationTypes[Name]['argument'];
export type Result<Name extends OperationName> = OperationTypes[Name]['result'];

/** The operations, each of them one step that happens or does not. */
export type Operations = { readonly [Name in OperationName]: (argument: Argument<Name>) => Result<Name> };

/** One call of an operation. */
export type Call<Name extends OperationName = OperationName> = {
  readonly [Each in Name]: { readonly id: number; readonly name: Each; readonly argument: Argument<Each> };
}[Name];

export type CallReply =
  | { readonly id: number; readonly result: Result<OperationName> }
  /** `sqliteCode` is SQLite's result code, where it was SQLite that failed. */
  | { readonly id: number; readonly failure: unknown; readonly sqliteCode: number | undefined };

/** Something happened to a job, in whatever process. */
export interface Change {
  readonly id: string;
  readonly status: JobStatus;
}

export type ToThread =
  | { readonly type: 'calls'; readonly calls: readonly Call[] }
  | { readonly type: 'close' };

export type FromThread =
  | { readonly type: 'opened' }
  | { readonly type: 'open-failed'; readonly reason: unknown }
  /** What failed outside of any call, and is going to be tried again. */
  | { readonly type: 'trouble'; readonly reason: unknown }
  | { readonly type: 'settled'; readonly replies: readonly CallReply[]; readonly changes: readonly Change[] };
