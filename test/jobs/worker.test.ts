import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionOf, readJson, startApp } from '../app.ts';
import { counting, hang, json, after as late, reset, startModelServer } from '../servers/model-server.ts';
import { dataFolder } from '../skills/fixtures.ts';
import { ended, type ShownJob, submit } from './job-client.ts';

async function startModel() {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(json({ prediction: 'positive' }));
  return model;
}

/** Jobs come back fast, and the pipeline leaves trying again to them. */
const impatient = { JOB_RETRY_BASE_MS: '20', JOB_RETRY_MAX_MS: '40' };
const once = { retry: { max_attempts: 1 } };

async function show(url: string, { id }: { readonly id: string }): Promise<ShownJob> {
  return readJson(fetch(`${url}/jobs/${id}`));
}

describe('a job whose failure may pass', () => {
  it('is tried again until it succeeds, and tells so', async () => {
    const model = await startModel();
    model.next(reset(), reset());
    const app = await startApp([definitionOf(model.url, once)], impatient);
    const job = await submit(app, { text: 'a' });
    await expect.poll(async () => (await show(app.url, job)).status).toBe('succeeded');
    expect(await show(app.url, job)).toMatchObject({ attempts: 3 });
    const events = await (await fetch(`${app.url}/jobs/${job.id}/events`)).text();
    expect(events).toMatch(
      /event: queued\ndata: {"status":"queued","attempts":1,.*"code":"upstream_error".*"retry_at":"/,
    );
  });

  it('fails for good after JOB_MAX_ATTEMPTS', async () => {
    const model = await startModel();
    model.always(reset());
    const app = await startApp([definitionOf(model.url, once)], { ...impatient, JOB_MAX_ATTEMPTS: '2' });
    expect(await ended(app, await submit(app, { text: 'a' }))).toMatchObject({
      status: 'failed',
      attempts: 2,
      error: { code: 'upstream_error' },
    });
    expect(model.requests).toHaveLength(2);
    expect(await app.app.jobs.backend.listDead(10)).toHaveLength(1);
  });

  it('is not tried again where the model may have run and that must not happen twice', async () => {
    const model = await startModel();
    model.always(hang());
    const definition = definitionOf(model.url, {
      retry: { max_attempts: 1, idempotent: false },
      timeouts: { first_byte_ms: 50 },
    });
    const app = await startApp([definition], impatient);
    expect(await ended(app, await submit(app, { text: 'a' }))).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { code: 'upstream_timeout' },
    });
  });
});

it('fails a job whose skill is gone, with skill_not_found', async () => {
  const model = await startModel();
  const DATA_DIR = await dataFolder();
  const other = definitionOf(model.url, { name: 'other' });
  const front = await startApp([definitionOf(model.url), other], { DATA_DIR, JOB_CONCURRENCY: '0' });
  const job = await submit(front, { text: 'a' });
  await rm(join(front.skillsDir, 'local_model_predict.json'));
  await startApp([other], { DATA_DIR });
  expect(await ended(front, job)).toMatchObject({ status: 'failed', error: { code: 'skill_not_found' } });
});

it('fails a job whose result is too large to be kept', async () => {
  const model = await startModel();
  model.always(json({ prediction: 'x'.repeat(2000) }));
  const app = await startApp([definitionOf(model.url)], { JOB_RESULT_MAX_BYTES: '1000' });
  const job = await ended(app, await submit(app, { text: 'a' }));
  expect(job).toMatchObject({ status: 'failed', error: { code: 'result_too_large' } });
  expect(job).not.toHaveProperty('output');
});

describe('a worker', () => {
  it('keeps each skill within its own limit, and lets no skill wait for another', async () => {
    const model = await startModel();
    const { counter, behaviour } = counting(late(40, json({ prediction: 'positive' })));
    model.always(behaviour);
    const quick = await startModel();
    const app = await startApp(
      [
        definitionOf(model.url, { concurrency: { max: 1, queue: 0 } }),
        definitionOf(quick.url, { name: 'quick' }),
      ],
      { JOB_CONCURRENCY: '3' },
    );
    const slow: ShownJob[] = [];
    for (let number = 0; number < 4; number += 1) slow.push(await submit(app, { text: `${number}` }));
    const other = await submit(app, { text: 'a' }, { skill: 'quick' });
    expect(await ended(app, other)).toMatchObject({ status: 'succeeded' });
    expect((await show(app.url, slow[3] ?? other)).status).not.toBe('succeeded');
    for (const job of slow) expect(await ended(app, job)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(counter.most).toBe(1);
  });

  it('shares a limit with the other processes where the skill says so', async () => {
    const model = await startModel();
    const { counter, behaviour } = counting(late(40, json({ prediction: 'positive' })));
    model.always(behaviour);
    const DATA_DIR = await dataFolder();
    const definition = definitionOf(model.url, { concurrency: { max: 2, shared: true } });
    const [front] = await Promise.all([
      startApp([definition], { DATA_DIR }),
      startApp([definition], { DATA_DIR }),
    ]);
    const jobs = await Promise.all(
      Array.from({ length: 8 }, (_, number) => submit(front, { text: `${number}` })),
    );
    for (const job of jobs) expect(await ended(front, job)).toMatchObject({ status: 'succeeded' });
    expect(counter.most).toBe(2);
  });

  it('notices that a job of its own was cancelled in another process', async () => {
    const model = await startModel();
    model.always(hang());
    const DATA_DIR = await dataFolder();
    const [requested, aborted] = [model.requested(), model.aborted()];
    const front = await startApp([definitionOf(model.url)], { DATA_DIR, JOB_CONCURRENCY: '0' });
    await startApp([definitionOf(model.url)], { DATA_DIR });
    const { id } = await submit(front, { text: 'a' });
    await requested;
    await fetch(`${front.url}/jobs/${id}`, { method: 'DELETE' });
    await aborted;
  });

  it('that stops lets jobs end that can, and hands back those that cannot', async () => {
    const model = await startModel();
    const DATA_DIR = await dataFolder();
    const front = await startApp([definitionOf(model.url)], { DATA_DIR, JOB_CONCURRENCY: '0' });
    const { app } = await startApp([definitionOf(model.url)], { DATA_DIR, JOB_CONCURRENCY: '2' });
    model.next(late(150, json({ prediction: 'in time' })), hang());
    const inTime = await submit(front, { text: 'short' });
    await expect.poll(() => model.requests.length).toBe(1);
    const tooLong = await submit(front, { text: 'long' });
    await expect.poll(() => model.requests.length).toBe(2);
    const waiting = await submit(front, { text: 'waiting' });
    await app.close(300);
    expect(await show(front.url, inTime)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(await show(front.url, tooLong)).toMatchObject({ status: 'queued', attempts: 0 });
    expect(await show(front.url, waiting)).toMatchObject({ status: 'queued', attempts: 0 });
    await startApp([definitionOf(model.url)], { DATA_DIR });
    for (const job of [tooLong, waiting]) {
      expect(await ended(front, job)).toMatchObject({ status: 'succeeded', attempts: 1 });
    }
  });
});
