import {
  type DeadJob,
  type Job,
  type JobEvent,
  type JobOutcome,
  type JobQuery,
  type JobStatus,
  type JobSummary,
  jobStatuses,
} from '../../contracts/jobs.ts';
import type { Problem } from '../../contracts/problem.ts';
import type { JobMessage } from './message.ts';
import type { RedisLink } from './redis-link.ts';
import { pairs, toEvent, toSummaries, toSummary } from './rows.ts';
import type { StoreReply, SubmitReply, TakeReply } from './scripted-redis.ts';

export interface RecordsOptions {
  readonly link: RedisLink;
  /** What all keys begin with. */
  readonly prefix: string;
  readonly queueMax: number;
  readonly leaseMs: number;
  readonly maxAttempts: number;
  readonly resultTtlMs: number;
}

/** A job, and the run of it that holds it. */
export interface Held {
  readonly id: string;
  readonly fence: string;
}

/** A job whose run gave no sign for the length of its lease. */
export interface Lapsed extends Held {
  readonly attempts: number;
  readonly text: string;
}

/** The records of jobs in Redis. Every method is one step, and throws as `RedisLink.ask` does. */
export type JobRecords = ReturnType<typeof createRecords>;

/** Members of a caller's set that one step of a list looks at: Redis does nothing else meanwhile. */
const listStep = 500;
/** Jobs that one step of a search gives. */
const searchStep = 100;
/** Jobs that one step puts into the outbox. */
const overdueStep = 1000;
/** Jobs that one step of a sweep forgets. */
const sweepStep = 200;

/** Keeps the records of jobs in Redis. */
export function createRecords({ link, prefix, ...limits }: RecordsOptions) {
  const { queueMax, leaseMs, maxAttempts, resultTtlMs } = limits;
  return {
    submit: (message: JobMessage): Promise<SubmitReply> =>
      link.ask((redis) => redis.jobSubmit(prefix, ...messageArguments(message), queueMax)),
    async withdraw(id: string): Promise<void> {
      await link.ask((redis) => redis.jobWithdraw(prefix, id));
    },
    async sent(id: string): Promise<void> {
      await link.ask((redis) => redis.jobSent(prefix, id));
    },
    /** Jobs that nobody has sent for so long, as sent now. */
    async unsent(ageMs: number): Promise<readonly (readonly [id: string, text: string])[]> {
      return pairs(await link.ask((redis) => redis.jobUnsent(prefix, ageMs, searchStep)));
    },
    /** Puts jobs into the outbox that have been due for so long. @returns how many */
    overdue: (ageMs: number): Promise<number> =>
      link.ask((redis) => redis.jobOverdue(prefix, ageMs, overdueStep)),
    retryDead: (id: string): Promise<string | null> => link.ask((redis) => redis.jobRetryDead(prefix, id)),

    /** @param withText whether to make the record anew where there is none; the text may be large */
    take: (
      message: JobMessage,
      run: { readonly fence: string; readonly sharedLimit: number; readonly withText: boolean },
    ): Promise<TakeReply> =>
      link.ask((redis) =>
        redis.jobTake(
          prefix,
          ...messageArguments(run.withText ? message : { ...message, text: '' }),
          run.fence,
          Math.round(leaseMs),
          maxAttempts,
          run.sharedLimit,
          resultTtlMs,
        ),
      ),
    /** Notes that a job's message is put off. @returns how many jobs of the skill are queued */
    putBehind: (id: string, skill: string): Promise<number> =>
      link.ask((redis) => redis.jobPutBehind(prefix, id, skill)),
    end({ id, fence }: Held, outcome: JobOutcome): Promise<StoreReply> {
      const error = outcome.status === 'failed' ? JSON.stringify(outcome.error) : '';
      const output = outcome.status === 'succeeded' ? outcome.outputJson : '';
      const dead = outcome.status === 'failed' && outcome.dead ? 1 : 0;
      const { status, version } = outcome;
      return link.ask((redis) =>
        redis.jobEnd(prefix, id, fence, status, version, error, output, dead, resultTtlMs),
      );
    },
    retry: ({ id, fence }: Held, error: Problem, delayMs: number): Promise<StoreReply> =>
      link.ask((redis) => redis.jobRetry(prefix, id, fence, JSON.stringify(error), delayMs)),
    release: ({ id, fence }: Held): Promise<StoreReply> =>
      link.ask((redis) => redis.jobRelease(prefix, id, fence)),
    /** Gives signs of life. @returns the jobs whose runs are good no more, and their states */
    async renew(runs: readonly Held[]): Promise<ReadonlyMap<string, JobStatus | undefined>> {
      const held = runs.flatMap(({ id, fence }) => [id, fence]);
      const lost = await link.ask((redis) => redis.jobRenew(prefix, Math.round(leaseMs), ...held));
      return new Map(pairs(lost).map(([id, status]) => [id, jobStatuses.find((known) => known === status)]));
    },
    async lapsed(sinceMs: number): Promise<readonly Lapsed[]> {
      const found = await link.ask((redis) => redis.jobLapsed(prefix, sinceMs, searchStep));
      return pairs(pairs(found)).map(([[id, fence], [attempts, text]]) => ({
        id,
        fence,
        attempts: Number(attempts),
        text,
      }));
    },
    /** @returns whether the job was taken from the run */
    takeOver: async ({ id, fence }: Held): Promise<boolean> =>
      (await link.ask((redis) => redis.jobTakeOver(prefix, id, fence))) === 1,
    /** @returns whether the job was given up */
    giveUp: async ({ id, fence }: Held, error: Problem): Promise<boolean> =>
      (await link.ask((redis) => redis.jobGiveUp(prefix, id, fence, JSON.stringify(error), resultTtlMs))) ===
      1,
    async cancel(id: string, callerId: string): Promise<void> {
      await link.ask((redis) => redis.jobCancel(prefix, id, callerId, resultTtlMs));
    },

    async find(id: string, callerId: string): Promise<Job | undefined> {
      const found = await link.ask((redis) => redis.jobFind(prefix, id, callerId));
      if (found === null) return undefined;
      const [fields, output] = found;
      const { callerId: _, ...job } = toSummary(id, fields);
      return { ...job, ...(output !== null && { outputJson: output }) };
    },
    async list(callerId: string, query: JobQuery): Promise<readonly JobSummary[]> {
      const { skill = '', status = '', before = '', limit } = query;
      const jobs: JobSummary[] = [];
      for (let last: string | null = before; last !== null && jobs.length < limit; ) {
        const from: string = last;
        const [next, found] = await link.ask((redis) =>
          redis.jobList(prefix, callerId, skill, status, from, listStep),
        );
        for (const { callerId: _, ...job } of toSummaries(found)) jobs.push(job);
        last = next;
      }
      return jobs.slice(0, limit);
    },
    async events(id: string, callerId: string, after: number): Promise<readonly JobEvent[] | undefined> {
      const texts = await link.ask((redis) => redis.jobEvents(prefix, id, callerId, after));
      return texts?.map((text, index) => toEvent(text, after + index));
    },
    async counts(): Promise<Readonly<Record<JobStatus, number>>> {
      const found = await link.ask((redis) => redis.jobCounts(prefix, ...jobStatuses));
      const counts = { queued: 0, running: 0, succeeded: 0, failed: 0, cancelled: 0 };
      jobStatuses.forEach((status, index) => {
        counts[status] = found[index] ?? 0;
      });
      return counts;
    },
    async listDead(limit: number): Promise<readonly DeadJob[]> {
      return toSummaries(await link.ask((redis) => redis.jobDead(prefix, limit)));
    },
    /** Forgets ended jobs whose time is over. */
    async sweep(): Promise<void> {
      while ((await link.ask((redis) => redis.jobSweep(prefix, sweepStep))) === sweepStep);
    },
  };
}

function messageArguments({ request, key, text }: JobMessage): readonly (string | number)[] {
  const { id, caller, skill, version, createdAtMs } = request;
  return [id, text, caller.id, skill, version, createdAtMs, key?.name ?? '', key?.inputDigest ?? ''];
}
