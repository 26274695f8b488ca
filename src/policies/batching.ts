import type { RowResult } from '../contracts/adapter.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { CallReport } from '../contracts/invocation.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { SkillMeter } from '../contracts/meter.ts';
import type { Call, Handler } from '../contracts/pipeline.ts';
import { createAdaptiveSize } from '../lib/adaptive-size.ts';

export interface BatchingOptions {
  /** The most rows in one batch. */
  readonly maxSize: number;
  /** How long a call waits for company while a batch is under way, in milliseconds. */
  readonly maxWaitMs: number;
  /** How long the model may take for one batch, in milliseconds. */
  readonly latencyMs: number;
  /** Batches that may be under way at the same time. */
  readonly maxInFlight: number;
  /** Whether rows that may have run may be sent again. */
  readonly idempotent: boolean;
  readonly meter: Pick<SkillMeter, 'batch'>;
}

/** Runs a batch: one result for each input, in their order. */
export type BatchHandler = Handler<readonly RowResult[], readonly JsonValue[]>;

/**
 * Sends calls that wait at the same time to the model as one. A call that finds the model idle goes at once, together
 * with those of the same turn of the event loop; one that finds it at work waits for company until the batch is as
 * large as is good (see `createAdaptiveSize`) or `maxWaitMs` are over. When `maxInFlight` batches are under way the
 * model has all that it can take, and calls wait until one has ended.
 *
 * A batch runs on a signal of its own: a caller who leaves takes its row out of a batch that was not sent, and ends one
 * that was sent when it is the last. A batch that the model refuses is halved and sent again, until the row that
 * spoiled it is alone: at most twice as many requests as rows.
 */
export function batching(options: BatchingOptions): (run: BatchHandler) => Handler<JsonValue> {
  const { maxSize, maxWaitMs, latencyMs, maxInFlight, idempotent, meter } = options;
  return (run) => {
    const size = createAdaptiveSize({ max: maxSize, objectiveMs: latencyMs });
    /** In the order of their coming. */
    const waiting = new Set<Row>();
    let inFlight = 0;
    let lastEndAt = Number.NEGATIVE_INFINITY;
    let goesSoon = false;
    let timer: NodeJS.Timeout | undefined;

    /** Sends what has to go now, and sees to it that the rest goes in time. */
    function pump(): void {
      clearTimeout(timer);
      while (inFlight < maxInFlight) {
        const [oldest] = waiting;
        if (oldest === undefined) return;
        const restMs = oldest.waitsSince + maxWaitMs - performance.now();
        if (inFlight > 0 && waiting.size < size.current && restMs > 0) {
          timer = setTimeout(pump, restMs);
          return;
        }
        void send([...waiting].slice(0, size.current));
      }
    }

    /** Waits for the calls that come in this turn of the event loop, so that those that came together go together. */
    function pumpSoon(): void {
      if (goesSoon) return;
      goesSoon = true;
      setImmediate(() => {
        goesSoon = false;
        pump();
      });
    }

    async function send(rows: readonly Row[]): Promise<void> {
      inFlight += 1;
      for (const row of rows) waiting.delete(row);
      const sentAt = performance.now();
      await runTogether(rows, (error) => {
        const endAt = performance.now();
        // What the batch waited at the server's door behind another one of ours is not its own.
        if (error === undefined) size.succeeded(rows.length, endAt - Math.max(sentAt, lastEndAt));
        else if (isTooMuch(error)) size.failed(rows.length);
        lastEndAt = endAt;
      });
      inFlight -= 1;
      pump();
    }

    /** Settles every row, whatever happens. */
    async function runTogether(rows: readonly Row[], onEnd?: (error: unknown) => void): Promise<void> {
      const [first] = rows;
      if (first === undefined) return;
      const controller = new AbortController();
      const report: CallReport = { cache: 'bypass', collapsed: false, attempts: 0, upstreamMs: 0 };
      const group: Group = { left: rows.length, controller };
      for (const row of rows) row.group = group;
      meter.batch(rows.length);
      try {
        const results = await run({
          ...first.call,
          input: rows.map(({ call }) => call.input),
          signal: controller.signal,
          deadlineAt: latestDeadline(rows),
          report,
        });
        onEnd?.(undefined);
        addReport(rows, report);
        for (const [index, row] of rows.entries())
          row.settle(index < results.length ? (results[index] ?? null) : rowMissing());
      } catch (error) {
        onEnd?.(error);
        addReport(rows, report);
        const awaited = rows.filter((row) => !row.settled);
        if (rows.length === 1 || controller.signal.aborted || !mayBeOneRow(error, idempotent)) {
          for (const row of awaited) row.fail(error);
          return;
        }
        const middle = Math.ceil(awaited.length / 2);
        await Promise.all([runTogether(awaited.slice(0, middle)), runTogether(awaited.slice(middle))]);
      }
    }

    return (call) =>
      new Promise((resolve, reject) => {
        if (call.signal.aborted) {
          reject(call.signal.reason);
          return;
        }
        const row = new Row(call, resolve, reject, () => waiting.delete(row));
        waiting.add(row);
        if (inFlight === 0) pumpSoon();
        else if (waiting.size === 1 || waiting.size >= size.current) pump();
      });
  };
}

/** Rows that are under way together. */
interface Group {
  /** How many callers still wait. */
  left: number;
  readonly controller: AbortController;
}

/** One call in a batch, or on the way to one. A class, since one is made for every call. */
class Row implements EventListenerObject {
  readonly call: Call;
  readonly waitsSince = performance.now();
  group: Group | undefined;
  settled = false;
  readonly #resolve: (output: JsonValue) => void;
  readonly #reject: (error: unknown) => void;
  readonly #leaveQueue: () => void;

  constructor(
    call: Call,
    resolve: (output: JsonValue) => void,
    reject: (error: unknown) => void,
    leaveQueue: () => void,
  ) {
    this.call = call;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#leaveQueue = leaveQueue;
    call.signal.addEventListener('abort', this, { once: true });
  }

  /** The caller has left, or its time is over. */
  handleEvent(): void {
    this.fail(this.call.signal.reason);
    if (this.group === undefined) {
      this.#leaveQueue();
      return;
    }
    this.group.left -= 1;
    if (this.group.left === 0) this.group.controller.abort(everyoneLeft());
  }

  settle(result: RowResult): void {
    if (result instanceof SkillgateError) {
      this.fail(result);
      return;
    }
    this.#end();
    this.#resolve(result);
  }

  fail(error: unknown): void {
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.settled = true;
    this.call.signal.removeEventListener('abort', this);
  }
}

/** The batch as such may run for as long as the most patient of its callers. */
function latestDeadline(rows: readonly Row[]): number | undefined {
  let latest: number | undefined;
  for (const { call } of rows) {
    if (call.deadlineAt === undefined) return undefined;
    latest = Math.max(latest ?? 0, call.deadlineAt);
  }
  return latest;
}

function addReport(rows: readonly Row[], { attempts, upstreamMs }: CallReport): void {
  for (const { call } of rows) {
    call.report.attempts += attempts;
    call.report.upstreamMs += upstreamMs;
  }
}

/** Statuses that speak of the route or the model, and of no row. */
const notOfARow: ReadonlySet<number | undefined> = new Set([404, 405, 501]);

/** Whether a batch may have failed for what is in one of its rows. What may go better the next time was tried again. */
function mayBeOneRow(error: unknown, idempotent: boolean): boolean {
  if (!(error instanceof SkillgateError) || error.retryable || (error.mayHaveRun && !idempotent))
    return false;
  const { code, upstreamStatus } = error;
  if (code === 'invalid_input' || code === 'invalid_output') return true;
  return code === 'upstream_error' && (upstreamStatus ?? 500) >= 400 && !notOfARow.has(upstreamStatus);
}

/** Whether a smaller batch might have gone well. A refusal (4xx) says something of the rows, and not of their number. */
function isTooMuch(error: unknown): boolean {
  if (!(error instanceof SkillgateError)) return false;
  if (error.code === 'upstream_timeout' || error.upstreamStatus === 413) return true;
  return error.code === 'upstream_error' && error.upstreamStatus !== undefined && error.upstreamStatus >= 429;
}

function rowMissing(): SkillgateError {
  return new SkillgateError('upstream_error', 'The model server answered fewer rows than it was sent.');
}

function everyoneLeft(): SkillgateError {
  return new SkillgateError('cancelled', 'Every caller whose row was in this batch has left.');
}
