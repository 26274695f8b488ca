import { type ErrorCode, errorTable, type SchemaFault, type SkillgateError } from './errors.ts';

/** A problem object (RFC 9457): what a caller reads of an error, over every entrypoint. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly request_id: string;
  readonly errors?: readonly SchemaFault[];
}

/** The media type of a problem object (RFC 9457, section 3). */
export const problemMediaType = 'application/problem+json';

/**
 * Turns an error into what the caller may read of it.
 *
 * @param requestId the id under which the log has the rest
 */
export function toProblem(error: SkillgateError, requestId: string): Problem {
  const row = errorTable[error.code];
  return {
    type: `urn:skillgate:error:${error.code}`,
    title: row.title,
    status: row.status,
    detail: error.message,
    code: error.code,
    request_id: requestId,
    ...(error.faults && { errors: error.faults }),
  };
}

/** The `Retry-After` of an error in whole seconds (RFC 9110, section 10.2.3), at least 1, where it has one. */
export function retryAfterSeconds(error: SkillgateError): number | undefined {
  return error.retryAfterMs === undefined ? undefined : Math.max(1, Math.ceil(error.retryAfterMs / 1000));
}
