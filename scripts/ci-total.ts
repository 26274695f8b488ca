/**
 * Adds up what the tests and the checks reported, prints `N passed, N failed`, and fails where anything did. A runner
 * that ended badly without a failure in its report (it crashed, or a file did not load) counts as one failure.
 *
 * `node scripts/ci-total.ts --tests FILE --tests-exit CODE --checks FILE --checks-exit CODE`
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

/** The part of vitest's JSON report that is counted. */
interface TestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

function testCounts({ numPassedTests, numFailedTests, testResults }: TestReport): Counts {
  const unloaded = testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  return { passed: numPassedTests, failed: numFailedTests + unloaded.length };
}

async function readCounts<Report>(
  file: string | undefined,
  exitCode: string | undefined,
  countsOf: (report: Report) => Counts,
): Promise<Counts> {
  if (file === undefined || exitCode === undefined) throw new Error('a report and an exit code are due');
  const text = await readFile(file, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 1 };
  const { passed, failed } = countsOf(JSON.parse(text));
  return { passed, failed: exitCode === '0' ? failed : Math.max(failed, 1) };
}

const { values } = parseArgs({
  options: {
    tests: { type: 'string' },
    'tests-exit': { type: 'string' },
    checks: { type: 'string' },
    'checks-exit': { type: 'string' },
  },
});
const tests = await readCounts(values.tests, values['tests-exit'], testCounts);
const checks = await readCounts(values.checks, values['checks-exit'], (counts: Counts) => counts);
const failed = tests.failed + checks.failed;
console.log(`${tests.passed + checks.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
