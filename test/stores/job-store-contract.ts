import { describe, expect, it, onTestFinished } from 'vitest';
import {
  aborted,
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

/** What a place for jobs owes those who ask for them. */
export function describeJobStore({ oneBackend, storage }: JobSurroundings): void {
  it('counts jobs by state', async () => {
    const backend = await oneBackend();
    for (let count = 0; count < 4; count += 1) await accept(backend);
    const [first, second, third] = await takeSome(backend, want({ count: 3 }));
    await first?.end(success);
    await second?.end({ status: 'failed', error: problem, dead: false, version: '1.0.0' });
    if (third) await backend.cancel(third.request.id, 'ann');
    expect(await backend.counts()).toEqual({
      queued: 1,
      running: 0,
      succeeded: 1,
      failed: 1,
      cancelled: 1,
    });
  });

  describe('with an idempotency key', () => {
    const key = { key: 'order-1', inputDigest: 'digest-1' };

    it('gives the first job to a repeat, in whatever state it is', async () => {
      const backend = await oneBackend();
      const request = jobRequest();
      expect(await backend.submit(request, key)).toMatchObject({ kind: 'accepted' });
      const repeat = () => backend.submit(jobRequest(), key);
      expect(await repeat()).toMatchObject({ kind: 'repeated', job: { id: request.id, status: 'queued' } });
      await (await takeOne(backend)).end(success);
      expect(await repeat()).toMatchObject({
        kind: 'repeated',
        job: { id: request.id, status: 'succeeded', outputJson: success.outputJson },
      });
    });

    it('refuses it with another input', async () => {
      const backend = await oneBackend();
      await backend.submit(jobRequest(), key);
      expect(await backend.submit(jobRequest(), { ...key, inputDigest: 'digest-2' })).toEqual({
        kind: 'conflict',
      });
    });

    it('tells callers and skills apart', async () => {
      const backend = await oneBackend();
      for (const overrides of [{}, { skill: 'other' }, { caller: { id: 'bob', skills: '*' as const } }]) {
        expect(await backend.submit(jobRequest(overrides), key)).toMatchObject({ kind: 'accepted' });
      }
    });

    it('makes one job of many repeats at the same moment', async () => {
      const open = await storage();
      const [first, second] = [await open(), await open()];
      const submissions = await Promise.all(
        Array.from({ length: 20 }, (_, turn) => (turn % 2 ? first : second).submit(jobRequest(), key)),
      );
      expect(submissions.filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
      expect(new Set(submissions.map((submission) => 'job' in submission && submission.job.id)).size).toBe(1);
      expect(await takeSome(first)).toHaveLength(1);
    });

    it('gives the job of a repeat also when the queue is full', async () => {
      const backend = await oneBackend({ queueMax: 1 });
      await backend.submit(jobRequest(), key);
      expect(await backend.submit(jobRequest(), key)).toMatchObject({ kind: 'repeated' });
    });
  });

  describe('to a caller', () => {
    it('shows its own jobs only', async () => {
      const backend = await oneBackend();
      const { id } = await accept(backend);
      expect(await backend.find(id, 'bob')).toBeUndefined();
      expect(await backend.cancel(id, 'bob')).toBeUndefined();
      expect(await backend.events(id, 'bob', 0)).toBeUndefined();
      expect(await backend.list('bob', { limit: 10 })).toEqual([]);
      expect(await backend.find('019aa000-ffff-7000-8000-000000000000', 'ann')).toBeUndefined();
      expect(await statusOf(backend, { id })).toBe('queued');
    });

    it('lists the newest first, by skill and state, page by page and without outputs', async () => {
      const backend = await oneBackend();
      const first = await accept(backend);
      await (await takeOne(backend)).end(success);
      const second = await accept(backend, { skill: 'other' });
      const third = await accept(backend);
      const list = async (query: object) =>
        (await backend.list('ann', { limit: 10, ...query })).map(({ id }) => id);
      expect(await list({})).toEqual([third.id, second.id, first.id]);
      expect(await list({ skill: 'echo' })).toEqual([third.id, first.id]);
      expect(await list({ status: 'queued' })).toEqual([third.id, second.id]);
      expect(await list({ skill: 'echo', status: 'succeeded' })).toEqual([first.id]);
      expect(await list({ limit: 2 })).toEqual([third.id, second.id]);
      expect(await list({ limit: 2, before: second.id })).toEqual([first.id]);
      const [, , ended] = await backend.list('ann', { limit: 10 });
      expect(ended).toMatchObject({ status: 'succeeded' });
      expect(ended).not.toHaveProperty('outputJson');
    });

    it('numbers what happens to a job, and gives it again from any number on', async () => {
      const backend = await oneBackend();
      const { id } = await accept(backend);
      await (await takeOne(backend)).retry(problem, 0);
      await (await takeOne(backend)).end(success);
      const events = await backend.events(id, 'ann', 0);
      expect(events).toMatchObject([
        { id: 1, status: 'queued', attempts: 0, atMs: expect.any(Number) },
        { id: 2, status: 'running', attempts: 1 },
        { id: 3, status: 'queued', attempts: 1, error: problem, retryAtMs: expect.any(Number) },
        { id: 4, status: 'running', attempts: 2 },
        { id: 5, status: 'succeeded', attempts: 2 },
      ]);
      expect(await backend.events(id, 'ann', 3)).toEqual(events?.slice(3));
      expect(await backend.events(id, 'ann', 5)).toEqual([]);
    });

    it('tells of changes that another process makes', async () => {
      const open = await storage();
      const [first, second] = [await open(), await open()];
      const request = await accept(first);
      const watch = await first.watch(request.id);
      onTestFinished(() => watch.close());
      const ended = until(watch, async () => (await statusOf(first, request)) === 'succeeded');
      await (await takeOne(second)).end(success);
      await ended;
    });

    it('stops watching when the signal says so', async () => {
      const backend = await oneBackend();
      const watch = await backend.watch((await accept(backend)).id);
      onTestFinished(() => watch.close());
      const reason = new Error('the caller left');
      const controller = new AbortController();
      const forGood = async () => {
        for (;;) await watch.changed(controller.signal);
      };
      const refusal = expect(forGood()).rejects.toBe(reason);
      controller.abort(reason);
      await refusal;
    });
  });

  describe('cancelling', () => {
    it('ends a job that waits, which is then never given out', async () => {
      const backend = await oneBackend();
      const { id } = await accept(backend);
      expect(await backend.cancel(id, 'ann')).toMatchObject({
        id,
        status: 'cancelled',
        endedAtMs: expect.any(Number),
      });
      const next = await accept(backend);
      expect((await takeOne(backend)).request.id).toBe(next.id);
    });

    it('reaches a run in another process, which can store nothing any more', async () => {
      const open = await storage();
      const [first, second] = [await open(), await open()];
      const request = await accept(first);
      const execution = await takeOne(second);
      expect(await first.cancel(request.id, 'ann')).toMatchObject({ status: 'cancelled' });
      await aborted(execution.signal);
      expect(await execution.end(success)).toBe(false);
      expect(await execution.retry(problem, 0)).toBe(false);
      await execution.release();
      const job = await first.find(request.id, 'ann');
      expect(job?.status).toBe('cancelled');
      expect(job).not.toHaveProperty('outputJson');
      expect(await first.take(want())).toEqual([]);
    });

    it('leaves a job that has ended as it is', async () => {
      const backend = await oneBackend();
      const { id } = await accept(backend);
      await (await takeOne(backend)).end(success);
      expect(await backend.cancel(id, 'ann')).toMatchObject({ status: 'succeeded' });
      expect(await statusOf(backend, { id })).toBe('succeeded');
    });
  });

  it('forgets an ended job and its key after their time, and none that has not ended', async () => {
    const backend = await oneBackend({ resultTtlMs: 100 });
    const key = { key: 'order-1', inputDigest: 'digest-1' };
    const ended = jobRequest();
    await backend.submit(ended, key);
    await (await takeOne(backend)).end(success);
    const waiting = await accept(backend);
    await expect.poll(() => statusOf(backend, ended), { timeout: 5000 }).toBeUndefined();
    expect(await backend.submit(jobRequest(), key)).toMatchObject({ kind: 'accepted' });
    expect(await statusOf(backend, waiting)).toBe('queued');
  });
}
