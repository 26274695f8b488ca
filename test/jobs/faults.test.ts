import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { definitionOf, startApp } from '../app.ts';
import { after, type Behaviour, json, startModelServer } from '../servers/model-server.ts';
import { dataFolder } from '../skills/fixtures.ts';
import { ended, submit } from './job-client.ts';

const main = join(import.meta.dirname, '../../src/main.ts');

/** Starts the real worker, and waits until it works. */
async function startWorker(env: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, 'worker'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout);
  await new Promise<void>((resolve) => lines.on('line', (line) => line.includes('"working"') && resolve()));
  return child;
}

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
  const workers = await Promise.all([startWorker(surroundings), startWorker(surroundings)]);

  const jobs = await Promise.all(
    Array.from({ length: 150 }, (_, number) => submit(front, { text: `${number}` })),
  );
  for (const worker of workers) {
    const before = calls;
    await expect.poll(() => calls, { timeout: 5000, interval: 5 }).toBeGreaterThan(before + 10);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    void startWorker(surroundings);
  }

  const results = await Promise.all(jobs.map((job) => ended(front, job)));
  expect(results.map(({ status }) => status)).toEqual(jobs.map(() => 'succeeded'));
  expect(await Promise.all(jobs.map((job) => ended(front, job)))).toEqual(results);
  const events = await Promise.all(
    jobs.map(async ({ id }) => (await fetch(`${front.url}/jobs/${id}/events`)).text()),
  );
  for (const text of events) expect(text.match(/^event: succeeded$/gm)).toHaveLength(1);
  expect(results.filter(({ attempts }) => attempts > 1).length).toBeGreaterThan(0);
}, 30_000);
