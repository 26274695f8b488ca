import type { JobExecution, JobOutcome } from '../../contracts/jobs.ts';
import { lostRun } from '../lost-run.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { Delays } from './delays.ts';
import type { DeliveredJob } from './delivered-job.ts';
import type { JobRecords } from './records.ts';
import type { StoreReply } from './scripted-redis.ts';

/** The runs of this process. */
export interface Runs {
  /** How many there are. */
  readonly count: number;
  /** Makes a job that was taken into what a worker gets. */
  hold(job: DeliveredJob, attempt: number, isInterrupted: boolean): JobExecution;
  /** Gives a sign of life for every run, and aborts those that are good no more. */
  renew(): Promise<void>;
  /** Looks after the run of a job that something happened to. */
  check(id: string): Promise<void>;
}

export interface RunsOptions {
  readonly records: JobRecords;
  readonly deadLetters: DeadLetters;
  readonly delays: Delays;
}

interface HeldRun {
  readonly id: string;
  readonly fence: string;
  readonly controller: AbortController;
}

/** A delay that is not worth a queue, in milliseconds. */
const shortDelayMs = 25;

/** Keeps the runs of this process alive. A message is settled only after what became of its job is stored. */
export function createRuns({ records, deadLetters, delays }: RunsOptions): Runs {
  const held = new Map<string, HeldRun>();

  async function confirm(runs: readonly HeldRun[]): Promise<void> {
    if (runs.length === 0) return;
    const lost = await records.renew(runs);
    for (const run of runs) {
      // What has been ended or put back meanwhile is not held any more.
      if (!lost.has(run.id) || held.get(run.id) !== run) continue;
      held.delete(run.id);
      run.controller.abort(lostRun(lost.get(run.id)));
    }
  }

  return {
    get count() {
      return held.size;
    },
    hold(job, attempt, isInterrupted) {
      const { message, delivery, fence } = job;
      const { request } = message;
      const run: HeldRun = { id: request.id, fence, controller: new AbortController() };
      // This process was taken for dead, and got the job again.
      held.get(run.id)?.controller.abort(lostRun('running'));
      held.set(run.id, run);

      /** Settles the message of a run that is over. @returns whether its last word is stored */
      async function letGo(reply: StoreReply, settle: () => unknown): Promise<boolean> {
        if (held.get(run.id) === run) held.delete(run.id);
        if (reply === 'stored') await settle();
        // The message makes the record anew.
        else if (reply === 'gone') delivery.requeue();
        // Who has the job now has a message of its own.
        else delivery.ack();
        return reply === 'stored';
      }

      async function settleEnd(outcome: JobOutcome): Promise<void> {
        if (outcome.status === 'failed' && outcome.dead) await deadLetters.put(job, outcome.error);
        else delivery.ack();
      }

      return {
        request,
        attempt,
        interrupted: isInterrupted,
        signal: run.controller.signal,
        end: async (outcome) => letGo(await records.end(run, outcome), () => settleEnd(outcome)),
        retry: async (error, delayMs) =>
          letGo(await records.retry(run, error, delayMs), () =>
            delayMs < shortDelayMs ? delivery.requeue() : delays.put(job, delayMs),
          ),
        async release() {
          await letGo(await records.release(run), delivery.requeue);
        },
      };
    },
    renew: () => confirm([...held.values()]),
    async check(id) {
      const run = held.get(id);
      if (run) await confirm([run]);
    },
  };
}
