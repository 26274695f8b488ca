import { Redis, type RedisOptions } from 'ioredis';
import { questionScripts } from './question-scripts.ts';
import { runScripts } from './run-scripts.ts';
import { scriptFunctions } from './script-functions.ts';
import { submitScripts } from './submit-scripts.ts';

/** `skill, version, status, attempts, created, started, ended, error, caller` of a job. */
export type StoredSummary = readonly (string | null)[];

export type SubmitReply =
  | ['accepted' | 'full' | 'conflict']
  | ['repeated', id: string, unsentText: string | null];

export type TakeReply =
  | ['run', attempt: number | string, interrupted: string | null]
  | ['over' | 'crowded' | 'lost']
  | ['dead', error: string]
  | ['held' | 'early', restMs: number]
  | ['worn', fence: string, attempts: string];

/** What became of a run's last word. */
export type StoreReply =
  | 'stored'
  /** Somebody else has the job, or it was cancelled. */
  | 'useless'
  /** Redis has lost the job's record. */
  | 'gone';

type Argument = string | number;

/** A client with the scripts as methods: ioredis makes them from its options. All take the prefix of the keys first. */
export class ScriptedRedis extends Redis {
  declare jobSubmit: (prefix: string, ...args: Argument[]) => Promise<SubmitReply>;
  declare jobWithdraw: (prefix: string, id: string) => Promise<1>;
  declare jobSent: (prefix: string, id: string) => Promise<0 | 1>;
  declare jobUnsent: (prefix: string, ageMs: number, count: number) => Promise<string[]>;
  declare jobOverdue: (prefix: string, ageMs: number, count: number) => Promise<number>;
  declare jobRetryDead: (prefix: string, id: string) => Promise<string | null>;
  declare jobTake: (prefix: string, ...args: Argument[]) => Promise<TakeReply>;
  declare jobPutBehind: (prefix: string, id: string, skill: string) => Promise<number>;
  declare jobEnd: (prefix: string, ...args: Argument[]) => Promise<StoreReply>;
  declare jobRetry: (prefix: string, ...args: Argument[]) => Promise<StoreReply>;
  declare jobRelease: (prefix: string, id: string, fence: string) => Promise<StoreReply>;
  declare jobRenew: (prefix: string, leaseMs: number, ...runs: string[]) => Promise<string[]>;
  declare jobLapsed: (prefix: string, sinceMs: number, count: number) => Promise<string[]>;
  declare jobTakeOver: (prefix: string, id: string, fence: string) => Promise<0 | 1>;
  declare jobGiveUp: (prefix: string, ...args: Argument[]) => Promise<0 | 1>;
  declare jobCancel: (prefix: string, id: string, caller: string, ttlMs: number) => Promise<0 | 1>;
  declare jobFind: (
    prefix: string,
    id: string,
    caller: string,
  ) => Promise<[StoredSummary, output: string | null] | null>;
  declare jobList: (
    prefix: string,
    ...args: Argument[]
  ) => Promise<[last: string | null, (string | StoredSummary)[]]>;
  declare jobEvents: (prefix: string, id: string, caller: string, after: number) => Promise<string[] | null>;
  declare jobCounts: (prefix: string, ...statuses: readonly string[]) => Promise<number[]>;
  declare jobDead: (prefix: string, count: number) => Promise<(string | StoredSummary)[]>;
  declare jobSweep: (prefix: string, count: number) => Promise<number>;

  constructor(url: string, options: RedisOptions) {
    super(url, { ...options, scripts, replyMapping: 'legacy' });
  }
}

const scripts = Object.fromEntries(
  Object.entries({ ...submitScripts, ...runScripts, ...questionScripts }).map(([name, lua]) => [
    name,
    { numberOfKeys: 1, lua: scriptFunctions + lua },
  ]),
);
