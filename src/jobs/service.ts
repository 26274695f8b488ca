import { createHash } from 'node:crypto';
import { SkillgateError } from '../contracts/errors.ts';
import type { SkillInvoker } from '../contracts/invocation.ts';
import {
  hasEnded,
  type Idempotency,
  type Job,
  type JobService,
  type JobStore,
  type Watch,
} from '../contracts/jobs.ts';
import type { JsonValue } from '../contracts/json.ts';
import { linkedController } from '../lib/abort.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { timeOrderedId } from '../lib/time-ordered-id.ts';

export interface JobServiceOptions {
  readonly store: JobStore;
  readonly invoker: Pick<SkillInvoker, 'check'>;
}

/** The service, and the switch that lets everybody go who waits for a job. */
export interface RunningJobService extends JobService {
  /** Answers those who wait with what is known, since the gateway stops. */
  stopWaiting(): void;
}

/** When it is worth to come again to a full queue, in milliseconds. */
const fullRetryMs = 5000;

/** Accepts jobs, and tells about them. */
export function createJobService({ store, invoker }: JobServiceOptions): RunningJobService {
  const stopping = new AbortController();

  async function get(id: string, callerId: string): Promise<Job> {
    const job = await store.find(id, callerId);
    if (job === undefined) throw notFound(id);
    return job;
  }

  /** Aborts with the caller's signal, when the gateway stops, and when it is told to. */
  function untilStopped(signal: AbortSignal) {
    const { controller, unlink } = linkedController(signal);
    const end = () => controller.abort();
    if (stopping.signal.aborted) end();
    stopping.signal.addEventListener('abort', end);
    return {
      signal: controller.signal,
      end,
      unlink() {
        stopping.signal.removeEventListener('abort', end);
        unlink();
      },
    };
  }

  return {
    async submit({ input, idempotencyKey, ...call }) {
      const version = await invoker.check({
        ...call,
        input,
        source: 'job',
        signal: new AbortController().signal,
      });
      const createdAtMs = Date.now();
      const submission = await store.submit(
        { ...call, id: timeOrderedId(createdAtMs), version, inputJson: JSON.stringify(input), createdAtMs },
        idempotencyKey === undefined ? undefined : idempotencyOf(idempotencyKey, input),
      );
      if (submission.kind === 'full') throw full();
      if (submission.kind === 'conflict') throw conflict();
      return submission.job;
    },
    get: (id, caller) => get(id, caller.id),
    async wait(id, caller, waitMs, signal) {
      const watch = await store.watch(id);
      const patience = untilStopped(signal);
      const timer = setTimeout(patience.end, waitMs);
      try {
        for (;;) {
          const job = await get(id, caller.id);
          if (hasEnded(job) || patience.signal.aborted) return job;
          await changed(watch, patience.signal, signal);
        }
      } finally {
        clearTimeout(timer);
        patience.unlink();
        watch.close();
      }
    },
    async *follow(id, caller, after, signal) {
      const watch = await store.watch(id);
      const patience = untilStopped(signal);
      try {
        for (let last = after; !patience.signal.aborted; ) {
          // Asked first: once the job has ended, the events that follow are all there are.
          const job = await get(id, caller.id);
          for (const event of (await store.events(id, caller.id, last)) ?? []) {
            last = event.id;
            yield event;
          }
          if (hasEnded(job)) return;
          await changed(watch, patience.signal, signal);
        }
      } finally {
        patience.unlink();
        watch.close();
      }
    },
    async cancel(id, caller) {
      const job = await store.cancel(id, caller.id);
      if (job === undefined) throw notFound(id);
      return job;
    },
    list: (caller, query) => store.list(caller.id, query),
    stopWaiting: () => stopping.abort(),
  };
}

/** Waits for a change, or until patience is over; only the caller's leaving is an error. */
async function changed(watch: Watch, patience: AbortSignal, signal: AbortSignal): Promise<void> {
  try {
    await watch.changed(patience);
  } catch (error) {
    if (signal.aborted || !patience.aborted) throw error;
  }
}

function idempotencyOf(key: string, input: JsonValue): Idempotency {
  return { key, inputDigest: createHash('sha256').update(canonicalJson(input)).digest('hex') };
}

function notFound(id: string): SkillgateError {
  return new SkillgateError('job_not_found', `There is no job ${id}.`);
}

function full(): SkillgateError {
  return new SkillgateError('overloaded', 'As many jobs wait as may wait.', { retryAfterMs: fullRetryMs });
}

function conflict(): SkillgateError {
  return new SkillgateError(
    'idempotency_conflict',
    'This Idempotency-Key made a job of the same skill with another input.',
  );
}
