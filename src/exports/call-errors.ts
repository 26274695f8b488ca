import { type ErrorCode, errorTable } from '../contracts/errors.ts';

/** What else the gateway answers: not to the call of a skill, or to nobody. */
const elsewhere: ReadonlySet<string> = new Set<ErrorCode>([
  'not_found',
  'cancelled',
  'invalid_request',
  'job_not_found',
  'idempotency_conflict',
  'result_too_large',
]);

/** An error that the call of a skill can end with. */
export interface CallError {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
}

/** Every error that a call of a skill can end with, in the order of the table. */
export const callErrors: readonly CallError[] = Object.entries(errorTable)
  .filter(([code]) => !elsewhere.has(code))
  .map(([code, { status, title, remedy }]) => ({ code, status, title, remedy }));
