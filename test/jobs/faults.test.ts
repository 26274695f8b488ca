import { once } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { definitionOf, startApp } from '../app.ts';
import { after, type Behaviour, hang, json, startModelServer } from '../servers/model-server.ts';
import { dataFolder } from '../skills/fixtures.ts';
import { ended, submit } from './job-client.ts';
import { startWorkerProcess } from './worker-process.ts';

it('ends every accepted job exactly once, whatever kills the workers and whatever the model does', async () => {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  let calls = 0;
  // Every answer differs, so that a result that is stored twice shows; every fifth call fails in a way that may pass.
  const unreliable: Behaviour = (response, request) => {
    calls += 1;
    const answer = calls % 5 === 0 ? json({}, { status: 503, headers: { 'retry-after': '0' } }) : undefined;
    after(20, answer ?? json({ prediction: `answer ${calls}` }))(response, request);
  };
  model.always(unreliable);
  const env = { DATA_DIR: await dataFolder(), JOB_LEASE_MS: '500', JOB_RETRY_BASE_MS: '20' };
  const definition = definitionOf(model.url, { retry: { max_attempts: 1 }, breaker: { failures: 1000 } });
  const front = await startApp([definition], { ...env, JOB_CONCURRENCY: '0' });
  const surroundings = { ...env, SKILLS_DIR: front.skillsDir, JOB_CONCURRENCY: '4' };
  const workers = await Promise.all([startWorkerProcess(surroundings), startWorkerProcess(surroundings)]);

  const jobs = await Promise.all(
    Array.from({ length: 150 }, (_, number) => submit(front, { text: `${number}` })),
  );
  for (const worker of workers) {
    const before = calls;
    await expect.poll(() => calls, { timeout: 5000, interval: 5 }).toBeGreaterThan(before + 10);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    void startWorkerProcess(surroundings);
  }

  const results = await Promise.all(jobs.map((job) => ended(front, job)));
  expect(results.filter(({ status }) => status !== 'succeeded')).toEqual([]);
  expect(await Promise.all(jobs.map((job) => ended(front, job)))).toEqual(results);
  const events = await Promise.all(
    jobs.map(async ({ id }) => (await fetch(`${front.url}/jobs/${id}/events`)).text()),
  );
  for (const text of events) expect(text.match(/^event: succeeded$/gm)).toHaveLength(1);
  expect(results.filter(({ attempts }) => attempts > 1).length).toBeGreaterThan(0);
}, 30_000);

it('a worker that is told to stop hands back what it cannot end, and ends well', async () => {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(hang());
  const DATA_DIR = await dataFolder();
  const front = await startApp([definitionOf(model.url)], { DATA_DIR, JOB_CONCURRENCY: '0' });
  const worker = await startWorkerProcess({ DATA_DIR, SKILLS_DIR: front.skillsDir, SHUTDOWN_GRACE_MS: '50' });
  const [requested, aborted] = [model.requested(), model.aborted()];
  const { id } = await submit(front, { text: 'a' });
  await requested;
  worker.kill('SIGTERM');
  expect(await once(worker, 'exit')).toEqual([0, null]);
  await aborted;
  expect(await (await fetch(`${front.url}/jobs/${id}`)).json()).toMatchObject({
    status: 'queued',
    attempts: 0,
  });
});
