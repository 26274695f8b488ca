import type { RowResult } from '../contracts/adapter.ts';
import type { CallReport } from '../contracts/invocation.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { SkillMeter } from '../contracts/meter.ts';
import type { Handler } from '../contracts/pipeline.ts';
import { createAdaptiveSize } from '../lib/adaptive-size.ts';
import { isTooMuch, mayBeOneRow, rowMissing, tooLate } from './batching/failures.ts';
import { type Group, Row } from './batching/row.ts';

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
        if (isLate(oldest)) {
          waiting.delete(oldest);
          oldest.fail(tooLate());
          continue;
        }
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

/** Whether the time of a call was over before the model had room for it. */
function isLate({ call }: Row): boolean {
  return call.deadlineAt !== undefined && call.deadlineAt <= performance.now();
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
