import { describe, expect, it, onTestFinished } from 'vitest';
import type {
  JobBackend,
  JobBackendOptions,
  JobExecution,
  JobRequest,
  JobWant,
  Watch,
} from '../../src/contracts/jobs.ts';
import type { Problem } from '../../src/contracts/problem.ts';

/** Where jobs are kept during one test. Every backend that it opens is a process of its own to the others. */
export interface JobStorage {
  open(options: JobBackendOptions): Promise<JobBackend>;
}

type OpenBackend = (options?: Partial<JobBackendOptions>) => Promise<JobBackend>;

const defaults: JobBackendOptions = {
  queueMax: 100,
  leaseMs: 10_000,
  maxAttempts: 3,
  resultTtlMs: 60_000,
  warn: (event, error) => {
    throw new Error(event, { cause: error });
  },
};

let lastId = 0;

/** A job of the skill `echo` by `ann`, younger than all before it. */
export function jobRequest(overrides: Partial<JobRequest> = {}): JobRequest {
  lastId += 1;
  return {
    id: `019aa000-0000-7000-8000-${lastId.toString(16).padStart(12, '0')}`,
    skill: 'echo',
    version: '1.0.0',
    inputJson: '{"text":"hello"}',
    caller: { id: 'ann', skills: new Set(['echo', 'other']) },
    requestId: 'request-1',
    traceparent: undefined,
    cacheDirective: 'default',
    createdAtMs: Date.now(),
    ...overrides,
  };
}

/** A worker with places for anything. */
export function want(overrides: Partial<JobWant> = {}): JobWant {
  return { count: 10, places: new Map(), sharedLimits: new Map(), ...overrides };
}

const success = { status: 'succeeded', outputJson: '{"prediction":"en"}', version: '1.0.0' } as const;

export const problem: Problem = {
  type: 'urn:skillgate:error:model_not_ready',
  title: 'The model is not ready',
  status: 503,
  detail: 'The model is loading.',
  code: 'model_not_ready',
  request_id: 'request-1',
};

/** Accepts a job that has to be accepted. */
async function accept(backend: JobBackend, overrides: Partial<JobRequest> = {}): Promise<JobRequest> {
  const request = jobRequest(overrides);
  expect(await backend.submit(request, undefined)).toMatchObject({ kind: 'accepted' });
  return request;
}

/** Takes what can be taken, and waits until there is something. */
async function takeSome(backend: JobBackend, wanted: JobWant = want()): Promise<readonly JobExecution[]> {
  const watch = await backend.watchDue();
  try {
    for (;;) {
      const executions = await backend.take(wanted);
      if (executions.length > 0) return executions;
      await watch.changed(AbortSignal.timeout(5000));
    }
  } finally {
    watch.close();
  }
}

/** Takes the one job that there is. */
async function takeOne(backend: JobBackend): Promise<JobExecution> {
  const [execution, ...others] = await takeSome(backend);
  if (execution === undefined || others.length > 0) throw new Error(`${others.length + 1} jobs were there`);
  return execution;
}

async function statusOf(backend: JobBackend, { id }: { readonly id: string }) {
  return (await backend.find(id, 'ann'))?.status;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Resolves when the watch tells of a change, and looks again until the condition holds. */
async function until(watch: Watch, condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await watch.changed(AbortSignal.timeout(5000));
}

/** What every place for jobs has to do. */
export function describeJobBackend(name: string, makeStorage: () => Promise<JobStorage>): void {
  describe(`${name} as a place for jobs`, () => {
    /** Storage of the test's own, and a way to open it as often as there are processes. */
    async function storage(): Promise<OpenBackend> {
      const { open } = await makeStorage();
      return async (options = {}) => {
        const backend = await open({ ...defaults, ...options });
        onTestFinished(() => backend.close());
        return backend;
      };
    }

    async function oneBackend(options: Partial<JobBackendOptions> = {}): Promise<JobBackend> {
      const open = await storage();
      return open(options);
    }

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
        expect(new Set(submissions.map((submission) => 'job' in submission && submission.job.id)).size).toBe(
          1,
        );
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
        const refusal = expect(
          until(watch, async () => {
            setTimeout(() => controller.abort(reason), 5);
            await watch.changed(controller.signal);
            return false;
          }),
        ).rejects.toBe(reason);
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
        const [first, second] = [await open({ leaseMs: 300 }), await open({ leaseMs: 300 })];
        await accept(first);
        const execution = await takeOne(first);
        const idleFrom = performance.now();
        while (performance.now() - idleFrom < 900) {
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

    it('tells who waits for work as soon as there is some, from whatever process', async () => {
      const open = await storage();
      const [first, second] = [await open(), await open()];
      const taken = takeOne(second);
      const request = await accept(first);
      expect((await taken).request.id).toBe(request.id);
    });
  });
}
