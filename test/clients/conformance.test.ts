import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startApp } from '../app.ts';
import { clientFile, emptyFolder, run } from './clients.ts';
import { startConformanceSkills } from './conformance-skills.ts';
import { notApplicable } from './not-applicable.ts';

/** One check of a scenario, as the suite writes it down. */
interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string | undefined;
}

interface ScenarioCheck extends Omit<Check, 'status'> {
  readonly scenario: string;
}

/** The last stable release knows revisions up to 2025-11-25; the one under way knows what 2026-07-28 requires. */
const suites = {
  '2025-11-25': ['conformance-2025', '--spec-version', '2025-11-25'],
  '2026-07-28': ['conformance-2026', '--requirements', '2026-07-28'],
} as const;

it.each(['2025-11-25', '2026-07-28'] as const)(
  'the conformance suite of %s finds nothing but what is written down as not applicable',
  async (revision) => {
    const { url } = await startApp(await startConformanceSkills());
    const folder = await emptyFolder();
    const [suite, ...choice] = suites[revision];
    const program = clientFile(`${suite}/dist/index.js`);
    const { stdout } = await run(
      process.execPath,
      [program, 'server', '--url', `${url}/mcp`, ...choice, '-o', folder],
      { cwd: folder },
    );
    const { passed, failed } = await readChecks(folder);
    expect(passed.length, stdout).toBeGreaterThan(5);
    const excused = notApplicable[revision];
    const checks = new Set(excused.flatMap((entry) => entry.checks ?? []));
    const scenarios = new Set(excused.flatMap((entry) => entry.scenarios ?? []));
    const isExcused = ({ scenario, id }: ScenarioCheck) =>
      checks.has(`${scenario}: ${id}`) || (scenarios.has(scenario) && id !== 'wire-schema-valid');
    expect(failed.filter((check) => !isExcused(check))).toEqual([]);
    // What passes needs no excuse any more.
    const excuses = new Set(failed.flatMap(({ scenario, id }) => [scenario, `${scenario}: ${id}`]));
    expect([...checks, ...scenarios].filter((excuse) => !excuses.has(excuse))).toEqual([]);
  },
);

/** What the suite left: a folder for each scenario, named by it and by the time. */
async function readChecks(folder: string) {
  const passed: ScenarioCheck[] = [];
  const failed: ScenarioCheck[] = [];
  for (const name of await readdir(folder)) {
    const scenario = name.replace(/^server-(.*?)-\d{4}-\d\d-\d\dT.*$/, '$1');
    const checks: readonly Check[] = JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8'));
    for (const { id, status, errorMessage } of checks) {
      if (status === 'SUCCESS') passed.push({ scenario, id });
      if (status === 'FAILURE') failed.push({ scenario, id, errorMessage });
    }
  }
  return { passed, failed };
}
