import { SkillgateError } from '../../contracts/errors.ts';

/** Statuses that speak of the route or the model, and of no row. */
const notOfARow: ReadonlySet<number | undefined> = new Set([404, 405, 501]);

/** Whether a batch may have failed for what is in one of its rows. What may go better the next time was tried again. */
export function mayBeOneRow(error: unknown, idempotent: boolean): boolean {
  if (!(error instanceof SkillgateError) || error.retryable || (error.mayHaveRun && !idempotent))
    return false;
  const { code, upstreamStatus } = error;
  if (code === 'invalid_input' || code === 'invalid_output') return true;
  return code === 'upstream_error' && (upstreamStatus ?? 500) >= 400 && !notOfARow.has(upstreamStatus);
}

/** Whether a smaller batch might have gone well. A refusal (4xx) says something of the rows, and not of their number. */
export function isTooMuch(error: unknown): boolean {
  if (!(error instanceof SkillgateError)) return false;
  if (error.code === 'upstream_timeout' || error.upstreamStatus === 413) return true;
  return error.code === 'upstream_error' && error.upstreamStatus !== undefined && error.upstreamStatus >= 429;
}

/** The error of a call whose time was over before it was sent. */
export function tooLate(): SkillgateError {
  return new SkillgateError(
    'upstream_timeout',
    'The time for all attempts was over (total_ms) before the batches ahead had ended.',
    { retryable: false, mayHaveRun: false },
  );
}

/** The error of a row that the model gave no answer for. */
export function rowMissing(): SkillgateError {
  return new SkillgateError('upstream_error', 'The model server answered fewer rows than it was sent.');
}
