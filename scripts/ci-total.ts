/**
 * Adds up what the tests and the checks reported, prints `N passed, N failed`, and fails where anything did. A runner
 * that ended badly without a failure in its report (it crashed, or a file did not load) counts as one failure.
 *
 * `node scripts/ci-total.ts --tests FILE --tests-exit CODE … --checks FILE --checks-exit CODE`
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
    tests: { type: 'string', multiple: true },
    'tests-exit': { type: 'string', multiple: true },
    checks: { type: 'string' },
    'checks-exit': { type: 'string' },
  },
});
const { tests: reports = [undefined], 'tests-exit': exitCodes = [] } = values;
const counts = await Promise.all(
  reports.map((report, index) => readCounts(report, exitCodes[index], testCounts)),
);
counts.push(await readCounts(values.checks, values['checks-exit'], (checks: Counts) => checks));
const passed = counts.reduce((total, each) => total + each.passed, 0);
const failed = counts.reduce((total, each) => total + each.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
