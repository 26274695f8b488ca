import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it, onTestFinished } from 'vitest';
import type { JobBackend, JobRequest } from '../../src/contracts/jobs.ts';
import { openSqliteJobs, type SqliteJobsOptions } from '../../src/stores/sqlite-jobs.ts';
import { describeJobBackend } from './job-backend-contract.ts';
import { type JobStorage, jobRequest, want } from './job-contract-setup.ts';

async function scratchFile(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'skillgate-jobs-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  return join(directory, 'jobs.sqlite');
}

async function makeStorage(): Promise<JobStorage> {
  const path = await scratchFile();
  return { open: (options) => openSqliteJobs({ path, maxBytes: 2 ** 30, ...options }) };
}

describeJobBackend('SQLite', makeStorage);

async function open(path: string, options: Partial<SqliteJobsOptions> = {}): Promise<JobBackend> {
  const backend = await openSqliteJobs({
    path,
    maxBytes: 2 ** 30,
    queueMax: 100_000,
    leaseMs: 10_000,
    maxAttempts: 3,
    resultTtlMs: 60_000,
    warn: () => undefined,
    ...options,
  });
  onTestFinished(() => backend.close());
  return backend;
}

async function fill(backend: JobBackend, request: () => JobRequest): Promise<readonly JobRequest[]> {
  const accepted: JobRequest[] = [];
  for (;;) {
    const next = request();
    const submission = await backend.submit(next, undefined);
    if (submission.kind !== 'accepted') return accepted;
    accepted.push(next);
  }
}

it('refuses jobs before its file is full, and finds room for the results of those that it has', async () => {
  const path = await scratchFile();
  const backend = await open(path, { maxBytes: 2 ** 20 });
  const large = JSON.stringify('x'.repeat(20_000));
  const accepted = await fill(backend, () => jobRequest({ inputJson: large }));
  expect(accepted.length).toBeGreaterThan(30);
  const ended = { status: 'succeeded', outputJson: large, version: '1.0.0' } as const;
  for (const execution of await backend.take(want({ count: 1000 })))
    expect(await execution.end(ended)).toBe(true);
  for (const { id } of accepted) expect(await backend.find(id, 'ann')).toMatchObject({ outputJson: large });
});

it('refuses a write for which there is no room, and only that one, and breaks nothing', async () => {
  const path = await scratchFile();
  const backend = await open(path, { maxBytes: 2 ** 20 });
  const first = jobRequest();
  await backend.submit(first, undefined);
  const [execution] = await backend.take(want());
  const end = (outputJson: string) => execution?.end({ status: 'succeeded', outputJson, version: '1.0.0' });
  const [tooLarge, submission] = await Promise.allSettled([
    end(JSON.stringify('x'.repeat(2 ** 21))),
    backend.submit(jobRequest(), undefined),
  ]);
  expect(tooLarge).toMatchObject({ reason: { code: 'overloaded', retryAfterMs: expect.any(Number) } });
  expect(submission).toMatchObject({ value: { kind: 'accepted' } });
  expect(await backend.find(first.id, 'ann')).toMatchObject({ status: 'running' });
  expect(await end('"short"')).toBe(true);
  expect(await backend.find(first.id, 'ann')).toMatchObject({ status: 'succeeded', outputJson: '"short"' });
  await backend.close();
  const database = new DatabaseSync(path);
  expect(database.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
  database.close();
});

it('says at start-up why it cannot use its file', async () => {
  const path = await scratchFile();
  await writeFile(path, 'no database, but long enough to look like one'.repeat(10));
  await expect(open(path)).rejects.toThrow(/jobs\.sqlite cannot be used: file is not a database/);
  await expect(open(join(path, 'below/jobs.sqlite'))).rejects.toThrow(/the folder .* cannot be made/);
  const newer = join(path, '../newer.sqlite');
  const database = new DatabaseSync(newer);
  database.exec('PRAGMA user_version = 99');
  database.close();
  await expect(open(newer)).rejects.toThrow(/made by a newer version/);
});
