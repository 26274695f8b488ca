import { openJobBackend } from '../assemble-jobs.ts';
import { loadConfig } from '../config/load-config.ts';
import type { JobBackend } from '../contracts/jobs.ts';
import { createProcessLogger } from './create-logger.ts';
import { type ExitCode, exitCode } from './exit-code.ts';
import { cut, writeTable } from './table.ts';
import { type Terminal, writeJson } from './terminal.ts';

/** How many dead jobs a command lists or takes, the newest first. */
const listed = 1000;

/**
 * `skillgate jobs dead list`: the jobs that were given up, with the reason.
 *
 * @throws ConfigError, JobBackendError, SkillgateError
 */
export async function listDeadJobs(
  terminal: Terminal,
  { json = false }: { readonly json?: boolean },
): Promise<ExitCode> {
  const dead = await withJobs(terminal, (jobs) => jobs.listDead(listed));
  const rows = dead.map((job) => ({
    id: job.id,
    skill: job.skill,
    caller: job.callerId,
    attempts: job.attempts,
    ended_at: job.endedAtMs === undefined ? null : new Date(job.endedAtMs).toISOString(),
    error: job.error ?? null,
  }));
  if (json) writeJson(terminal.stdout, rows);
  else if (rows.length === 0) terminal.stdout.write('There are no dead jobs.\n');
  else {
    writeTable(
      terminal.stdout,
      terminal.env,
      ['ID', 'SKILL', 'CALLER', 'ATTEMPTS', 'ENDED', 'REASON'],
      rows.map(({ error, ...row }) => [
        row.id,
        row.skill,
        row.caller,
        String(row.attempts),
        row.ended_at ?? '',
        error === null ? '' : `${error.code}: ${cut(error.detail, 80)}`,
      ]),
    );
  }
  return exitCode.done;
}

/**
 * `skillgate jobs dead retry ID…`: queues jobs again that were given up; without ids all of them.
 *
 * @returns `failed` where one of the ids is not a dead job
 * @throws ConfigError, JobBackendError, SkillgateError
 */
export function retryDeadJobs(terminal: Terminal, ids: readonly string[]): Promise<ExitCode> {
  const { stdout, stderr } = terminal;
  return withJobs(terminal, async (jobs) => {
    const chosen = ids.length > 0 ? ids : (await jobs.listDead(listed)).map(({ id }) => id);
    let failures = 0;
    for (const id of chosen) {
      if (await jobs.retryDead(id)) continue;
      stderr.write(`There is no dead job ${id}.\n`);
      failures += 1;
    }
    const queued = chosen.length - failures;
    stdout.write(`${queued} ${queued === 1 ? 'job is' : 'jobs are'} queued again.\n`);
    return failures === 0 ? exitCode.done : exitCode.failed;
  });
}

/** Opens the jobs for one command. */
async function withJobs<Result>(
  { env, stderr }: Terminal,
  use: (jobs: JobBackend) => Promise<Result>,
): Promise<Result> {
  const config = loadConfig(env, { listens: false });
  const { logger } = createProcessLogger(config.logLevel, stderr);
  const jobs = await openJobBackend(config, logger);
  try {
    return await use(jobs);
  } finally {
    await jobs.close();
  }
}
