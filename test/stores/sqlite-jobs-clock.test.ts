import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { createJournal } from '../../src/stores/sqlite-jobs/journal.ts';
import { createOperations } from '../../src/stores/sqlite-jobs/operations.ts';
import type { Operations } from '../../src/stores/sqlite-jobs/protocol.ts';
import { openDatabase } from '../../src/stores/sqlite-jobs/schema.ts';
import { jobRequest, problem, want } from './job-contract-setup.ts';

const hour = 3_600_000;

beforeEach(() => {
  // The clock on the wall alone: what is measured by the monotonic clock goes on as it does.
  vi.useFakeTimers({ toFake: ['Date'] });
  return () => void vi.useRealTimers();
});

/** The operations as the thread runs them, on a file of the test's own. */
async function operationsOn(leaseMs: number): Promise<Operations> {
  const directory = await mkdtemp(join(tmpdir(), 'skillgate-jobs-'));
  const path = join(directory, 'jobs.sqlite');
  const maxBytes = 2 ** 30;
  const database = openDatabase(path, maxBytes);
  onTestFinished(async () => {
    database.close();
    await rm(directory, { recursive: true });
  });
  const setup = { path, maxBytes, queueMax: 10, leaseMs, maxAttempts: 3, resultTtlMs: hour };
  return createOperations(database, setup, createJournal(database));
}

function start(operations: Operations) {
  const request = jobRequest();
  operations.submit({ request, idempotency: undefined });
  const [run] = operations.take(want()).runs;
  if (run === undefined) throw new Error('nothing to take');
  return { ...run, status: () => operations.find({ id: request.id, callerId: 'ann' })?.status };
}

it('a clock that is set back holds no job back, new or put back', async () => {
  const operations = await operationsOn(10_000);
  const { job, fence } = start(operations);
  operations.retry({ job, fence, error: problem, delayMs: 1000 });
  operations.submit({ request: jobRequest(), idempotency: undefined });
  vi.setSystemTime(Date.now() - 5 * hour);
  expect(operations.take(want()).runs).toHaveLength(2);
});

it('a clock that jumps forward takes no job away from a run that gives signs of life', async () => {
  const operations = await operationsOn(10_000);
  const { status } = start(operations);
  operations.takeOver(undefined);
  vi.setSystemTime(Date.now() + 5 * hour);
  operations.takeOver(undefined);
  expect(status()).toBe('running');
});

it('a clock that jumps forward deletes no result before its time', async () => {
  const operations = await operationsOn(10_000);
  const { job, fence, status } = start(operations);
  operations.end({ job, fence, outcome: { status: 'succeeded', outputJson: '1', version: '1.0.0' } });
  vi.setSystemTime(Date.now() + 5 * hour);
  operations.sweep(undefined);
  expect(status()).toBe('succeeded');
});

it('a run that gave no sign for the length of its lease loses its job, by the monotonic clock', async () => {
  const operations = await operationsOn(30);
  const { job, fence, status } = start(operations);
  operations.takeOver(undefined);
  await new Promise((resolve) => setTimeout(resolve, 40));
  operations.renew([{ job, fence }]);
  operations.takeOver(undefined);
  expect(status()).toBe('running');
  await new Promise((resolve) => setTimeout(resolve, 40));
  operations.takeOver(undefined);
  expect(status()).toBe('queued');
  expect(operations.renew([{ job, fence }])).toEqual([{ job, fence, status: 'queued' }]);
});
