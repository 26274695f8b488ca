import { SkillgateError } from '../contracts/errors.ts';
import type { JobStatus } from '../contracts/jobs.ts';
import { type Problem, toProblem } from '../contracts/problem.ts';

/** Why a run is of no use any more, from the state that its job has. */
export function lostRun(status: JobStatus | undefined): SkillgateError {
  return status === 'cancelled'
    ? new SkillgateError('cancelled', 'The job was cancelled.')
    : new SkillgateError(
        'internal',
        'Another worker has the job: this one gave no sign of life for too long.',
      );
}

/** Why a job is given up whose runs all ended with their workers. */
export function wornOut(attempts: number, requestId: string): Problem {
  const failure = new SkillgateError(
    'internal',
    `Every one of ${attempts} runs ended with the end of its worker; the job was given up.`,
  );
  return toProblem(failure, requestId);
}
