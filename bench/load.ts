import { openConnection } from './connection.ts';
import { createRequestSource, type RequestSource } from './requests.ts';
import { percentile } from './statistics.ts';

export interface Target {
  readonly port: number;
  readonly path: string;
}

/** Chooses the next request of a source. */
export type NextRequest = (source: RequestSource) => Buffer;

export interface ClosedLoopResult {
  readonly requests: number;
  readonly errors: number;
  readonly perSecond: number;
}

/**
 * Keeps `connections` requests in flight for `seconds`, and counts the answers.
 *
 * This process stays awake all the while: the kernel charges a gateway for waking who waits for its bytes, and the
 * slower gateway would pay more often, since it finds this process asleep more often. Where it shares its core with
 * what the gateway waits for, it must not.
 */
export async function closedLoop(
  { port, path }: Target,
  next: NextRequest,
  {
    connections,
    seconds,
    sharesCore = false,
  }: { readonly connections: number; readonly seconds: number; readonly sharesCore?: boolean },
): Promise<ClosedLoopResult> {
  const open = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
  let requests = 0;
  let errors = 0;
  let running = true;
  const start = performance.now();
  const stop = setTimeout(() => {
    running = false;
  }, seconds * 1000);
  function stayAwake(): void {
    if (running && !sharesCore) setImmediate(stayAwake);
  }
  stayAwake();
  await Promise.all(
    open.map((connection) => {
      const source = createRequestSource(path);
      return new Promise<void>((resolve) => {
        const onResponse = (status: number) => {
          if (status === 200 || status === 202) requests += 1;
          else errors += 1;
          if (running && status !== 0) connection.send(next(source), onResponse);
          else resolve();
        };
        connection.send(next(source), onResponse);
      });
    }),
  );
  clearTimeout(stop);
  const elapsedMs = performance.now() - start;
  for (const connection of open) connection.close();
  return {
    requests,
    errors,
    perSecond: (requests / elapsedMs) * 1000,
  };
}

export interface OpenLoopResult {
  readonly requests: number;
  /** How often each status was answered that is not 200; 0 stands for a broken connection. */
  readonly failures: ReadonlyMap<number, number>;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How late the generator itself sent, 99th percentile. */
  readonly lateP99Ms: number;
}

/**
 * Sends `rate` requests a second whatever becomes of the earlier ones. A latency runs from the moment a request was
 * due, so that a gateway that stalls pays for all the requests that it held up (no coordinated omission).
 *
 * The loop spins rather than sleeps: timers are a millisecond coarse. The model server lives in this process and gets
 * its turn at every spin.
 */
export async function openLoop(
  { port, path }: Target,
  next: NextRequest,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<OpenLoopResult> {
  const total = Math.round(rate * seconds);
  const latencies = new Float64Array(total);
  const lateness = new Float64Array(total);
  const lanes = await Promise.all(
    Array.from({ length: 128 }, async () => ({
      connection: await openConnection(port),
      source: createRequestSource(path),
    })),
  );
  const idle = [...lanes];
  const failures = new Map<number, number>();
  let answered = 0;
  let sent = 0;
  const start = performance.now() + 50;

  await new Promise<void>((resolve) => {
    function send(lane: (typeof lanes)[number], index: number, dueAt: number): void {
      lateness[index] = performance.now() - dueAt;
      lane.connection.send(next(lane.source), (status) => {
        latencies[index] = performance.now() - dueAt;
        if (status !== 200) failures.set(status, (failures.get(status) ?? 0) + 1);
        answered += 1;
        idle.push(lane);
        if (answered === total) resolve();
      });
    }
    /** A lane whose connection is still there: gateways close those that were long without a request. */
    function idleLane(): (typeof lanes)[number] | undefined {
      for (let lane = idle.pop(); lane !== undefined; lane = idle.pop()) {
        if (lane.connection.isOpen) return lane;
        void replace(lane);
      }
      return undefined;
    }
    async function replace(lane: (typeof lanes)[number]): Promise<void> {
      lane.connection = await openConnection(port);
      idle.push(lane);
    }
    function spin(): void {
      const now = performance.now();
      while (sent < total) {
        const dueAt = start + (sent * 1000) / rate;
        const lane = dueAt <= now ? idleLane() : undefined;
        if (lane === undefined) break;
        send(lane, sent, dueAt);
        sent += 1;
      }
      if (answered < total) setImmediate(spin);
    }
    spin();
  });
  for (const { connection } of lanes) connection.close();
  latencies.sort();
  lateness.sort();
  return {
    requests: total - sum(failures),
    failures,
    errors: sum(failures),
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    lateP99Ms: percentile(lateness, 0.99),
  };
}

function sum(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((total, count) => total + count, 0);
}
