import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SkillgateError } from '../../src/contracts/errors.ts';
import { createGpuPool, type PoolShare } from '../../src/policies/gpu-pool.ts';
import { makeCall, settle } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A pool whose models take as long as their call's input says, in milliseconds. */
function setUp(mib: number, shares: readonly (Partial<PoolShare> & { mib: number })[]) {
  const pool = createGpuPool(mib);
  const begun: { skill: number; id: number; at: number }[] = [];
  const servedMibMs = shares.map(() => 0);
  let usedMib = 0;
  let mostMib = 0;
  const skills = shares.map((share, skill) => {
    const admission = pool.admit({ max: 100, queue: 1000, queueMs: 1_000_000, ...share });
    const handle = admission.policy(async ({ input, requestId }) => {
      begun.push({ skill, id: Number(requestId), at: performance.now() });
      usedMib += share.mib;
      mostMib = Math.max(mostMib, usedMib);
      expect(admission.inFlight).toBeLessThanOrEqual(share.max ?? 100);
      await new Promise((resolve) => setTimeout(resolve, Number(input)));
      usedMib -= share.mib;
      servedMibMs[skill] = (servedMibMs[skill] ?? 0) + share.mib * Number(input);
      return null;
    });
    return { admission, handle };
  });
  let lastId = 0;
  const send = (skill: number, ms: number, signal?: AbortSignal) => {
    lastId += 1;
    const handle = skills[skill]?.handle ?? expect.fail();
    return handle(makeCall({ input: ms, requestId: String(lastId), ...(signal && { signal }) }));
  };
  return {
    begun,
    send,
    servedMibMs,
    queued: () => skills.map(({ admission }) => admission.queued),
    mostMib: () => mostMib,
  };
}

/** Keeps `depth` calls of a skill in the pool until the time is over. */
function keepBusy(
  { send }: Pick<ReturnType<typeof setUp>, 'send'>,
  skill: number,
  { ms, depth, untilMs }: { ms: number; depth: number; untilMs: number },
): Promise<unknown> {
  return Promise.all(
    Array.from({ length: depth }, async () => {
      while (performance.now() < untilMs) await send(skill, ms);
    }),
  );
}

describe('a GPU pool', () => {
  it('lets calls in while their memory suffices, and the others as it is given back', async () => {
    const pool = setUp(8000, [{ mib: 3000 }]);
    const all = Promise.all([100, 200, 300].map((ms) => pool.send(0, ms)));
    await pass(99);
    expect(pool.begun).toHaveLength(2);
    await pass(1);
    expect(pool.begun).toHaveLength(3);
    await pass(400);
    await all;
    expect(pool.mostMib()).toBe(6000);
  });

  it("keeps to a skill's own limit too, and lets others past who are not held by it", async () => {
    const pool = setUp(8000, [{ mib: 1000, max: 1 }, { mib: 1000 }]);
    const all = Promise.all([pool.send(0, 100), pool.send(0, 100), pool.send(1, 10)]);
    await settle();
    expect(pool.begun.map(({ skill }) => skill)).toEqual([0, 1]);
    await pass(300);
    await all;
  });

  it('never lets a small call overtake a large one whose turn it is', async () => {
    const pool = setUp(8000, [{ mib: 7000 }, { mib: 1000 }]);
    const all = [pool.send(1, 100), pool.send(1, 100), pool.send(0, 50)];
    await settle();
    all.push(...Array.from({ length: 20 }, () => pool.send(1, 100)));
    await pass(100);
    expect(pool.begun.map(({ skill }) => skill).slice(0, 3)).toEqual([1, 1, 0]);
    await pass(3000);
    await Promise.all(all);
  });

  it('moves on when the call that did not fit leaves', async () => {
    const pool = setUp(8000, [{ mib: 7000 }, { mib: 1000 }]);
    const first = pool.send(1, 100);
    const second = pool.send(1, 100);
    const leaving = new AbortController();
    const left = expect(pool.send(0, 50, leaving.signal)).rejects.toThrow('left');
    const third = pool.send(1, 10);
    await settle();
    expect(pool.queued()).toEqual([1, 1]);
    leaving.abort(new Error('left'));
    await left;
    expect(pool.queued()).toEqual([0, 0]);
    await pass(200);
    await Promise.all([first, second, third]);
  });

  it('gives three busy skills like shares of a pool that has not room for them together, and starves none', async () => {
    const pool = setUp(8000, [{ mib: 7000 }, { mib: 5000 }, { mib: 1000 }]);
    const untilMs = performance.now() + 60_000;
    const busy = Promise.all([
      keepBusy(pool, 0, { ms: 40, depth: 2, untilMs }),
      keepBusy(pool, 1, { ms: 100, depth: 5, untilMs }),
      keepBusy(pool, 2, { ms: 10, depth: 50, untilMs }),
    ]);
    await pass(70_000);
    await busy;
    expect(pool.mostMib()).toBeLessThanOrEqual(8000);
    const total = pool.servedMibMs.reduce((sum, served) => sum + served);
    for (const served of pool.servedMibMs) expect(served / total).toBeCloseTo(1 / 3, 1);
  });

  it('never exceeds its memory, keeps the order within a skill and settles every call, whatever comes', async () => {
    const call = fc.record({
      skill: fc.nat(2),
      atMs: fc.nat(500),
      ms: fc.integer({ min: 1, max: 80 }),
      leavesAfterMs: fc.option(fc.nat(200), { freq: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 60 }),
        fc.tuple(
          ...[0, 1, 2].map(() =>
            fc.record({ mib: fc.integer({ min: 1, max: 100 }), max: fc.integer({ min: 1, max: 4 }) }),
          ),
        ),
        async (calls, shares) => {
          const pool = setUp(100, shares);
          const outcomes = calls
            .toSorted((a, b) => a.atMs - b.atMs)
            .map(async ({ skill, atMs, ms, leavesAfterMs }) => {
              await new Promise((resolve) => setTimeout(resolve, atMs));
              const leaving = new AbortController();
              if (leavesAfterMs !== null) setTimeout(() => leaving.abort(), leavesAfterMs);
              return pool.send(skill, ms, leaving.signal);
            });
          const settled = Promise.allSettled(outcomes);
          await pass(500 + 60 * 80);
          await settled;
          expect(pool.mostMib()).toBeLessThanOrEqual(100);
          expect(pool.queued()).toEqual([0, 0, 0]);
          for (const skill of [0, 1, 2]) {
            const ids = pool.begun.filter((run) => run.skill === skill).map(({ id }) => id);
            expect(ids).toEqual(ids.toSorted((a, b) => a - b));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('who is turned away from a GPU pool', () => {
  it('is whoever finds the queue of the skill full', async () => {
    const pool = setUp(8000, [{ mib: 8000, queue: 1 }]);
    void pool.send(0, 100);
    void pool.send(0, 100);
    await expect(pool.send(0, 100)).rejects.toMatchObject({ code: 'overloaded', mayHaveRun: false });
  });

  it('is at once whoever would wait too long, with the time after which there is a place', async () => {
    const pool = setUp(8000, [{ mib: 4000, queueMs: 250 }]);
    const measured = pool.send(0, 100);
    await pass(100);
    await measured;
    // Two at a time: at 0, 100 and 200 ms.
    const all = Array.from({ length: 6 }, () => pool.send(0, 100));
    await pass(20);
    const refused = await pool.send(0, 100).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'overloaded', retryAfterMs: 280 });
    if (!(refused instanceof SkillgateError)) return expect.fail();
    await pass(refused.retryAfterMs ?? 0);
    const begunBefore = pool.begun.length;
    const again = pool.send(0, 100);
    await settle();
    expect(pool.begun).toHaveLength(begunBefore + 1);
    await pass(100);
    await Promise.all([...all, again]);
  });

  it('waits for the calls of other skills that have their turn before, and for no others', async () => {
    const pool = setUp(8000, [{ mib: 8000 }, { mib: 8000, queueMs: 50 }]);
    const measured = pool.send(0, 100);
    await pass(100);
    await measured;
    const others = [1, 2, 3].map(() => pool.send(0, 100));
    await pass(20);
    // One of the others runs for 80 ms more; then it is this skill's turn, which has had nothing yet.
    await expect(pool.send(1, 10)).rejects.toMatchObject({ code: 'overloaded', retryAfterMs: 80 });
    await pass(40);
    const mine = pool.send(1, 10);
    await pass(400);
    await Promise.all([...others, mine]);
    expect(pool.begun.slice(1).map(({ skill }) => skill)).toEqual([0, 1, 0, 0]);
  });

  it('is whoever has waited too long after all', async () => {
    const pool = setUp(8000, [{ mib: 8000, queueMs: 100 }]);
    void pool.send(0, 10_000);
    const waiting = expect(pool.send(0, 10)).rejects.toMatchObject({ code: 'overloaded' });
    await pass(100);
    await waiting;
    expect(pool.queued()).toEqual([0]);
  });
});
