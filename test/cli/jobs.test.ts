import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { definitionOf, startApp } from '../app.ts';
import { ended, submit } from '../jobs/job-client.ts';
import { json, reset, startModelServer } from '../servers/model-server.ts';
import { dataFolder, skillsFolder } from '../skills/fixtures.ts';
import { runCommand } from './stand-in-terminal.ts';

/** A job that was tried too often, and the gateway that gave it up. */
async function deadJob() {
  const model = await startModelServer();
  onTestFinished(() => model.close());
  model.always(reset());
  const DATA_DIR = await dataFolder();
  const env = { DATA_DIR, JOB_MAX_ATTEMPTS: '1' };
  const app = await startApp([definitionOf(model.url, { retry: { max_attempts: 1 } })], env);
  const job = await ended(app, await submit(app, { text: 'a' }));
  return { app, model, job, env: { DATA_DIR, LOG_LEVEL: 'silent' } };
}

describe('skillgate jobs dead', () => {
  it('lists the jobs that were given up, for people and for machines', async () => {
    const { job, env } = await deadJob();
    const { stdout } = await runCommand(['jobs', 'dead', 'list'], { env });
    expect(stdout).toMatch(/^ID +SKILL +CALLER +ATTEMPTS +ENDED +REASON\n/);
    expect(stdout).toMatch(
      new RegExp(`${job.id} +local_model_predict +anonymous +1 +\\S+ +upstream_error: `),
    );
    const { stdout: text } = await runCommand(['jobs', 'dead', 'list', '--json'], { env });
    expect(JSON.parse(text)).toMatchObject([{ id: job.id, error: { code: 'upstream_error' } }]);
  });

  it('queues one again, and says where an id is none', async () => {
    const { app, model, job, env } = await deadJob();
    model.always(json({ prediction: 'positive' }));
    expect(await runCommand(['jobs', 'dead', 'retry', job.id, 'nonsense'], { env })).toEqual({
      exitCode: 1,
      stdout: '1 job is queued again.\n',
      stderr: 'There is no dead job nonsense.\n',
    });
    expect(await ended(app, job)).toMatchObject({ status: 'succeeded', attempts: 1 });
    expect(await runCommand(['jobs', 'dead', 'list'], { env })).toMatchObject({
      stdout: 'There are no dead jobs.\n',
    });
  });

  it('queues all of them where none is named', async () => {
    const { app, model, job, env } = await deadJob();
    model.always(json({ prediction: 'positive' }));
    expect(await runCommand(['jobs', 'dead', 'retry'], { env })).toMatchObject({
      exitCode: 0,
      stdout: '1 job is queued again.\n',
    });
    expect(await ended(app, job)).toMatchObject({ status: 'succeeded' });
  });
});

describe('a place for jobs that cannot be used', () => {
  it('ends every command that needs it with 78 and the reason', async () => {
    const directory = await dataFolder();
    await writeFile(join(directory, 'jobs.sqlite'), 'no database, but long enough for one'.repeat(10));
    const env = { DATA_DIR: directory, PORT: '0', SKILLS_DIR: await skillsFolder({}), LOG_LEVEL: 'silent' };
    for (const command of [['jobs', 'dead', 'list'], ['serve'], ['worker']]) {
      const { exitCode, stderr } = await runCommand(command, { env });
      expect([command, exitCode]).toEqual([command, 78]);
      expect(stderr).toMatch(/^error: the job file .*jobs\.sqlite cannot be used: file is not a database\n$/);
    }
  });

  it('is no use to a worker without places', async () => {
    const env = { DATA_DIR: await dataFolder(), SKILLS_DIR: await skillsFolder({}), JOB_CONCURRENCY: '0' };
    const { exitCode, stderr } = await runCommand(['worker'], { env });
    expect(exitCode).toBe(78);
    expect(stderr).toContain('JOB_CONCURRENCY takes at least 1');
  });
});
