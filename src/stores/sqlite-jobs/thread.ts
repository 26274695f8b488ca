import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SkillgateError } from '../../contracts/errors.ts';
import { JobBackendError } from '../../contracts/jobs.ts';
import type { Warn } from '../../lib/warn.ts';
import type {
  Argument,
  CallReply,
  Change,
  FromThread,
  OperationName,
  Result,
  ThreadSetup,
  ToThread,
} from './protocol.ts';

/** The job file, on a thread of its own. */
export interface JobThread {
  /**
   * Asks for an operation, and gives its result once that is on disk.
   *
   * @throws SkillgateError `overloaded` where the file cannot be written at the moment, `internal` for anything else
   */
  call<Name extends OperationName>(name: Name, argument: Argument<Name>): Promise<Result<Name>>;
  close(): Promise<void>;
}

export interface JobThreadOptions extends ThreadSetup {
  /** Told of what happened to jobs, here and in other processes. */
  readonly onChanges: (changes: readonly Change[]) => void;
  readonly warn: Warn;
}

/** A `Call`; that name and argument fit is seen to where it is made. */
interface Unsent {
  readonly id: number;
  readonly name: OperationName;
  readonly argument: Argument<OperationName>;
}

interface Pending {
  resolve(result: Result<OperationName>): void;
  reject(error: SkillgateError): void;
}

const workerFile = new URL(`./worker${extname(import.meta.url)}`, import.meta.url);

/** SQLITE_BUSY, SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL: the disk, not the gateway. */
const diskCodes: ReadonlySet<number | undefined> = new Set([5, 8, 10, 13]);
/** When it is worth to come again while the disk refuses, in milliseconds. */
const diskRetryMs = 5000;

/**
 * Starts the thread, and opens the file.
 *
 * @throws JobBackendError where the file cannot be used
 */
export async function startJobThread({ onChanges, warn, ...setup }: JobThreadOptions): Promise<JobThread> {
  const worker = new Worker(workerFile, { workerData: setup, name: 'jobs' });
  const opened = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const pending = new Map<number, Pending>();
  let unsent: Unsent[] = [];
  let lastId = 0;
  let isClosed = false;
  let death: unknown;

  function settle(reply: CallReply): void {
    const waiting = pending.get(reply.id);
    pending.delete(reply.id);
    if ('result' in reply) {
      waiting?.resolve(reply.result);
    } else {
      // The caller is told no more than that it failed.
      warn('job_store_failed', reply.failure);
      waiting?.reject(toError(reply));
    }
  }

  worker.on('message', (message: FromThread) => {
    if (message.type === 'opened') opened.resolve();
    else if (message.type === 'open-failed') opened.reject(cannotOpen(setup.path, message.reason));
    else if (message.type === 'trouble') warn('job_journal_unread', message.reason);
    else {
      for (const reply of message.replies) settle(reply);
      // After those who wait for the replies: a run has to be held before it can be lost.
      setImmediate(() => {
        if (!isClosed && message.changes.length > 0) onChanges(message.changes);
      });
    }
  });
  worker.on('error', (error) => {
    death = error;
  });
  worker.on('exit', () => {
    opened.reject(cannotOpen(setup.path, death));
    if (!isClosed) warn('job_store_died', death);
    isClosed = true;
    for (const { reject } of pending.values()) reject(closed(death));
    pending.clear();
    ended.resolve();
  });

  function flush(): void {
    const calls = unsent;
    unsent = [];
    if (!isClosed && calls.length > 0) worker.postMessage({ type: 'calls', calls });
  }

  await opened.promise;
  return {
    call<Name extends OperationName>(name: Name, argument: Argument<Name>) {
      return new Promise<Result<Name>>((resolve, reject) => {
        if (isClosed) return reject(closed(death));
        lastId += 1;
        pending.set(lastId, { resolve, reject });
        // What is asked for in one turn of the event loop goes in one message.
        if (unsent.length === 0) setImmediate(flush);
        unsent.push({ id: lastId, name, argument });
      });
    },
    async close() {
      if (!isClosed) {
        flush();
        isClosed = true;
        worker.postMessage({ type: 'close' } satisfies ToThread);
      }
      await ended.promise;
    },
  };
}

function toError({ failure, sqliteCode }: Extract<CallReply, { failure: unknown }>): SkillgateError {
  if (diskCodes.has(sqliteCode)) {
    return new SkillgateError(
      'overloaded',
      'Jobs cannot be stored at the moment: the disk refuses to write.',
      {
        cause: failure,
        retryAfterMs: diskRetryMs,
      },
    );
  }
  return new SkillgateError('internal', 'The job store failed; the log of the gateway has the cause.', {
    cause: failure,
  });
}

function closed(cause: unknown): SkillgateError {
  return new SkillgateError('internal', 'The job store is closed.', { cause });
}

function cannotOpen(path: string, cause: unknown): JobBackendError {
  const reason = cause instanceof Error ? cause.message : 'its thread ended';
  return new JobBackendError(`the job file ${path} cannot be used: ${reason}`, { cause });
}
