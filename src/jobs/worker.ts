import type { JobExecution, JobQueue, JobWant, Watch } from '../contracts/jobs.ts';
import type { Logger } from '../contracts/logger.ts';
import type { SkillCatalog } from '../contracts/skill.ts';
import { wait } from '../lib/abort.ts';
import { createLatch } from '../lib/latch.ts';
import { type JobRunOptions, runJob, stopReason } from './run-job.ts';

export interface JobWorkerOptions extends JobRunOptions {
  readonly queue: JobQueue;
  readonly catalog: Pick<SkillCatalog, 'get' | 'list'>;
  readonly logger: Logger;
  /** Jobs that run at a time in this process. */
  readonly concurrency: number;
}

/** Runs jobs. */
export interface JobWorker {
  /**
   * Takes no more jobs, lets those that run end, and hands back what is left after so many milliseconds.
   *
   * @returns when none is left
   */
  stop(graceMs: number): Promise<void>;
}

/** How long the worker leaves a queue alone that has failed, in milliseconds. */
const takeRetryMs = 1000;

/** Starts to take jobs, as many as there are places for them. */
export function startJobWorker(options: JobWorkerOptions): JobWorker {
  const { queue, catalog, logger, concurrency } = options;
  const running = new Map<
    JobExecution,
    { readonly controller: AbortController; readonly ended: Promise<void> }
  >();
  const stopping = new AbortController();
  const wake = createLatch();
  const worked = work();

  function wanted(): JobWant {
    const places = new Map<string, number>();
    const sharedLimits = new Map<string, number>();
    for (const { compiled } of catalog.list()) {
      const { name, concurrency: limit } = compiled.definition;
      places.set(name, limit.max);
      if (limit.shared) sharedLimits.set(name, limit.max);
    }
    for (const { request } of running.keys()) {
      const left = places.get(request.skill);
      if (left !== undefined) places.set(request.skill, left - 1);
    }
    return { count: concurrency - running.size, places, sharedLimits };
  }

  function begin(execution: JobExecution): void {
    const controller = new AbortController();
    const ended = runJob(execution, controller.signal, options)
      .catch((err: unknown) => logger.error({ job_id: execution.request.id, err }, 'job_run_failed'))
      .finally(() => {
        running.delete(execution);
        wake.set();
      });
    running.set(execution, { controller, ended });
  }

  async function takeAll(): Promise<void> {
    while (running.size < concurrency) {
      const executions = await queue.take(wanted());
      if (stopping.signal.aborted) {
        await Promise.all(executions.map((execution) => execution.release()));
        return;
      }
      executions.forEach(begin);
      if (executions.length === 0) return;
    }
  }

  async function work(): Promise<void> {
    const { signal } = stopping;
    const watched = watchQueue(signal);
    while (!signal.aborted) {
      try {
        await takeAll();
        await wake.wait(signal);
      } catch (err) {
        if (signal.aborted) break;
        logger.error({ err }, 'jobs_not_taken');
        await wait(takeRetryMs, signal).catch(() => undefined);
      }
    }
    await watched;
  }

  async function watchQueue(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let watch: Watch | undefined;
      try {
        watch = await queue.watchDue();
        // What came before the watch began is not told by it.
        for (;;) {
          wake.set();
          await watch.changed(signal);
        }
      } catch (err) {
        if (signal.aborted) return;
        logger.error({ err }, 'jobs_not_watched');
        await wait(takeRetryMs, signal).catch(() => undefined);
      } finally {
        watch?.close();
      }
    }
  }

  return {
    async stop(graceMs) {
      stopping.abort();
      await worked;
      const timer = setTimeout(() => {
        for (const { controller } of running.values()) controller.abort(stopReason());
      }, graceMs);
      await Promise.all([...running.values()].map(({ ended }) => ended));
      clearTimeout(timer);
    },
  };
}
