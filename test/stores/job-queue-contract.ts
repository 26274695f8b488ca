import { describe, expect, it, onTestFinished } from 'vitest';
import {
  accept,
  type JobSurroundings,
  jobRequest,
  problem,
  statusOf,
  success,
  takeOne,
  takeSome,
  until,
  want,
} from './job-contract-setup.ts';

/** What a place for jobs owes those who run them. */
export function describeJobQueue({ oneBackend, storage }: JobSurroundings): void {
  it('keeps a job from its acceptance to its result', async () => {
    const backend = await oneBackend();
    const request = await accept(backend, { inputJson: '"日本語 🦜 \\ud800"' });
    expect(await backend.find(request.id, 'ann')).toEqual({
      id: request.id,
      skill: 'echo',
      version: '1.0.0',
      status: 'queued',
      attempts: 0,
      createdAtMs: request.createdAtMs,
    });
    const execution = await takeOne(backend);
    expect(execution).toMatchObject({ request, attempt: 1, interrupted: false });
    expect(await backend.find(request.id, 'ann')).toMatchObject({
      status: 'running',
      attempts: 1,
      startedAtMs: expect.any(Number),
    });
    expect(await execution.end({ ...success, version: '2.0.0' })).toBe(true);
    expect(await backend.find(request.id, 'ann')).toMatchObject({
      status: 'succeeded',
      version: '2.0.0',
      attempts: 1,
      endedAtMs: expect.any(Number),
      outputJson: success.outputJson,
    });
    expect(await backend.take(want())).toEqual([]);
  });

  it('has an accepted job in another process, and after everybody has gone', async () => {
    const open = await storage();
    const first = await open();
    const request = await accept(first);
    const second = await open();
    expect(await statusOf(second, request)).toBe('queued');
    await first.close();
    await second.close();
    const third = await open();
    expect((await takeOne(third)).request).toEqual(request);
  });

  it('gives out the oldest job first, and each only once', async () => {
    const open = await storage();
    const [first, second] = [await open(), await open()];
    const requests = [await accept(first), await accept(first), await accept(second)];
    const taken = [
      ...(await takeSome(first, want({ count: 2 }))),
      ...(await takeSome(second)),
      ...(await first.take(want())),
    ];
    expect(taken.map(({ request }) => request.id)).toEqual(requests.map(({ id }) => id));
  });

  it('gives no more jobs of a skill than it has places, and takes the others', async () => {
    const backend = await oneBackend();
    const [first, second] = [await accept(backend), await accept(backend)];
    const other = await accept(backend, { skill: 'other' });
    const take = async (places: number) =>
      (await takeSome(backend, want({ places: new Map([['echo', places]]) }))).map(
        ({ request }) => request.id,
      );
    expect(await take(1)).toEqual([first.id, other.id]);
    expect(await backend.take(want({ places: new Map([['echo', 0]]) }))).toEqual([]);
    expect(await take(1)).toEqual([second.id]);
  });

  it('keeps a shared limit over all processes', async () => {
    const open = await storage();
    const [first, second] = [await open(), await open()];
    const sharedLimits = new Map([['echo', 2]]);
    for (let count = 0; count < 3; count += 1) await accept(first);
    const [one] = await takeSome(first, want({ count: 1, sharedLimits }));
    const [two] = await takeSome(second, want({ sharedLimits }));
    expect(await second.take(want({ sharedLimits }))).toEqual([]);
    await two?.end(success);
    expect(await takeSome(second, want({ sharedLimits }))).toHaveLength(1);
    expect(one?.signal.aborted).toBe(false);
  });

  it('refuses a job when the queue is full, and drops none of those that wait', async () => {
    const backend = await oneBackend({ queueMax: 2 });
    const requests = [await accept(backend), await accept(backend)];
    expect(await backend.submit(jobRequest(), undefined)).toEqual({ kind: 'full' });
    const [first] = await takeSome(backend, want({ count: 1 }));
    requests.push(await accept(backend));
    // What was accepted comes back into a full queue, too.
    expect(await first?.retry(problem, 0)).toBe(true);
    const taken = new Set<string>();
    while (taken.size < 3) for (const execution of await takeSome(backend)) taken.add(execution.request.id);
    expect(taken).toEqual(new Set(requests.map(({ id }) => id)));
  });

  describe('a run', () => {
    it('that is put back is given out again after its time, with the attempt counted', async () => {
      const backend = await oneBackend();
      const request = await accept(backend);
      const execution = await takeOne(backend);
      const putBackAt = performance.now();
      expect(await execution.retry(problem, 200.5)).toBe(true);
      expect(await backend.find(request.id, 'ann')).toMatchObject({
        status: 'queued',
        attempts: 1,
        error: problem,
      });
      expect(await backend.take(want())).toEqual([]);
      expect(await takeOne(backend)).toMatchObject({ attempt: 2, interrupted: false });
      // The store's clock and this one may differ by a tick.
      expect(performance.now() - putBackAt).toBeGreaterThan(190);
    });

    it('that is handed back counts as never taken, and another process has it at once', async () => {
      const open = await storage();
      const [first, second] = [await open(), await open()];
      const request = await accept(first);
      await (await takeOne(first)).release();
      expect(await first.find(request.id, 'ann')).toMatchObject({ status: 'queued', attempts: 0 });
      expect(await takeOne(second)).toMatchObject({ request, attempt: 1, interrupted: false });
    });

    it('of a process that is gone is made again by another', async () => {
      const open = await storage();
      const gone = await open({ leaseMs: 300 });
      const request = await accept(gone);
      await takeOne(gone);
      await gone.close();
      const other = await open({ leaseMs: 300 });
      const execution = await takeOne(other);
      expect(execution).toMatchObject({ request, attempt: 2, interrupted: true });
      expect(await execution.end(success)).toBe(true);
    });

    it('is left to its process for as long as that gives signs of life', async () => {
      const open = await storage();
      const [first, second] = [await open({ leaseMs: 500 }), await open({ leaseMs: 500 })];
      await accept(first);
      const execution = await takeOne(first);
      const idleFrom = performance.now();
      while (performance.now() - idleFrom < 1200) {
        expect(await second.take(want())).toEqual([]);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(execution.signal.aborted).toBe(false);
      expect(await execution.end(success)).toBe(true);
    });

    it('that gave no sign for too long cannot overwrite the run that took its place', async () => {
      const open = await storage();
      const silent = await open({ leaseMs: 300, renewMs: 60_000 });
      const other = await open({ leaseMs: 300 });
      const request = await accept(silent);
      const late = await takeOne(silent);
      const current = await takeOne(other);
      expect(current).toMatchObject({ attempt: 2, interrupted: true });
      expect(await late.end({ ...success, outputJson: '"late"' })).toBe(false);
      expect(await late.retry(problem, 0)).toBe(false);
      await late.release();
      expect(await current.end(success)).toBe(true);
      expect(await late.end({ ...success, outputJson: '"late"' })).toBe(false);
      expect(await other.find(request.id, 'ann')).toMatchObject({
        status: 'succeeded',
        attempts: 2,
        outputJson: success.outputJson,
      });
    });

    it('that ends its process again and again is given up, and kept for the operator', async () => {
      const open = await storage();
      const options = { leaseMs: 200, maxAttempts: 2 };
      const first = await open(options);
      const request = await accept(first);
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const doomed = await open(options);
        expect(await takeOne(doomed)).toMatchObject({ attempt });
        await doomed.close();
      }
      const watch = await first.watch(request.id);
      onTestFinished(() => watch.close());
      await until(watch, async () => {
        await first.take(want());
        return (await statusOf(first, request)) === 'failed';
      });
      expect(await first.find(request.id, 'ann')).toMatchObject({
        attempts: 2,
        error: { code: 'internal', status: 500, request_id: 'request-1' },
      });
      expect(await first.listDead(10)).toMatchObject([{ id: request.id, callerId: 'ann' }]);
    });
  });

  it('lists dead jobs with their reasons, and runs one again when it is told to', async () => {
    const backend = await oneBackend();
    const dead = await accept(backend);
    await (await takeOne(backend)).end({ status: 'failed', error: problem, dead: true, version: '1.0.0' });
    const refused = await accept(backend);
    await (await takeOne(backend)).end({ status: 'failed', error: problem, dead: false, version: '1.0.0' });
    expect(await backend.listDead(10)).toEqual([
      expect.objectContaining({ id: dead.id, callerId: 'ann', skill: 'echo', error: problem }),
    ]);
    expect(await backend.retryDead(refused.id)).toBe(false);
    expect(await backend.retryDead(dead.id)).toBe(true);
    expect(await backend.listDead(10)).toEqual([]);
    const execution = await takeOne(backend);
    expect(execution).toMatchObject({ request: { id: dead.id }, attempt: 1, interrupted: false });
    await execution.end(success);
    expect(await statusOf(backend, dead)).toBe('succeeded');
  });

  it('tells who waits for work as soon as there is some, from whatever process', async () => {
    const open = await storage();
    const [first, second] = [await open(), await open()];
    const taken = takeOne(second);
    const request = await accept(first);
    expect((await taken).request.id).toBe(request.id);
  });
}
