import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = join(import.meta.dirname, '../../scripts/ci-total.ts');

interface Reported {
  tests?: object;
  testsExit?: number;
  clients?: object;
  clientsExit?: number;
  checks?: object;
  checksExit?: number;
}

describe('the total of a CI run', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ci-total-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function total({ tests, testsExit = 0, clients, clientsExit = 0, checks, checksExit = 0 }: Reported) {
    if (tests) await writeFile(join(folder, 'tests.json'), JSON.stringify(tests));
    if (checks) await writeFile(join(folder, 'checks.json'), JSON.stringify(checks));
    const args = ['--tests', join(folder, 'tests.json'), '--tests-exit', `${testsExit}`];
    if (clients) {
      await writeFile(join(folder, 'clients.json'), JSON.stringify(clients));
      args.push('--tests', join(folder, 'clients.json'), '--tests-exit', `${clientsExit}`);
    }
    args.push('--checks', join(folder, 'checks.json'), '--checks-exit', `${checksExit}`);
    return new Promise((resolve) => {
      execFile(process.execPath, [script, ...args], (error, stdout) => {
        resolve({ line: stdout, exitCode: error ? error.code : 0 });
      });
    });
  }

  const file = (status: string, count: number) => ({
    status,
    assertionResults: Array.from({ length: count }, () => ({})),
  });

  it('adds tests and checks', async () => {
    const tests = { numPassedTests: 40, numFailedTests: 0, testResults: [file('passed', 40)] };
    expect(await total({ tests, checks: { passed: 7, failed: 0 } })).toEqual({
      line: '47 passed, 0 failed\n',
      exitCode: 0,
    });
  });

  it('adds several runs of tests', async () => {
    const tests = { numPassedTests: 40, numFailedTests: 0, testResults: [file('passed', 40)] };
    const clients = { numPassedTests: 4, numFailedTests: 1, testResults: [file('failed', 5)] };
    expect(await total({ tests, clients, clientsExit: 1, checks: { passed: 7, failed: 0 } })).toEqual({
      line: '51 passed, 1 failed\n',
      exitCode: 1,
    });
  });

  it('fails when a test failed', async () => {
    const tests = { numPassedTests: 39, numFailedTests: 1, testResults: [file('failed', 40)] };
    expect(await total({ tests, testsExit: 1, checks: { passed: 7, failed: 0 } })).toEqual({
      line: '46 passed, 1 failed\n',
      exitCode: 1,
    });
  });

  it('counts a test file that could not be loaded', async () => {
    const tests = {
      numPassedTests: 40,
      numFailedTests: 0,
      testResults: [file('passed', 40), file('failed', 0)],
    };
    expect(await total({ tests, testsExit: 1, checks: { passed: 6, failed: 1 }, checksExit: 1 })).toEqual({
      line: '46 passed, 2 failed\n',
      exitCode: 1,
    });
  });

  it('counts a runner that left no report, or that failed with a clean one', async () => {
    const tests = { numPassedTests: 40, numFailedTests: 0, testResults: [file('passed', 40)] };
    expect(await total({ tests, testsExit: 1 })).toEqual({ line: '40 passed, 2 failed\n', exitCode: 1 });
  });
});
