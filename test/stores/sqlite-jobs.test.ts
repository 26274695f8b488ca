import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openSqliteJobs } from '../../src/stores/sqlite-jobs.ts';
import { describeJobBackend, type JobStorage } from './job-backend-contract.ts';

async function makeStorage(): Promise<JobStorage> {
  const directory = await mkdtemp(join(tmpdir(), 'skillgate-jobs-'));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, 'jobs.sqlite');
  return { open: (options) => openSqliteJobs({ path, maxBytes: 2 ** 30, ...options }) };
}

describeJobBackend('SQLite', makeStorage);
