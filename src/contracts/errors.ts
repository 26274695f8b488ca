/**
 * Every error that a caller can meet, one row each. The row serves HTTP (status, title), retry (is the call worth
 * repeating as it is) and the documentation (when).
 */
export const errorTable = {
  malformed_json: { status: 400, title: 'The body is not JSON', retryable: false },
  invalid_input: { status: 400, title: 'The input does not fit the input schema', retryable: false },
  invalid_request: { status: 400, title: 'A header or a query parameter is not valid', retryable: false },
  unauthenticated: { status: 401, title: 'No valid credentials were presented', retryable: false },
  forbidden: { status: 403, title: 'The credentials do not cover this', retryable: false },
  not_found: { status: 404, title: 'No such route', retryable: false },
  skill_not_found: { status: 404, title: 'No such skill', retryable: false },
  job_not_found: { status: 404, title: 'No such job', retryable: false },
  idempotency_conflict: {
    status: 409,
    title: 'The idempotency key was used with another input',
    retryable: false,
  },
  payload_too_large: { status: 413, title: 'The body is too large', retryable: false },
  unsupported_media_type: { status: 415, title: 'The body has to be application/json', retryable: false },
  rate_limited: { status: 429, title: 'Too many calls', retryable: false },
  cancelled: { status: 499, title: 'The caller left before the answer came', retryable: false },
  internal: { status: 500, title: 'The gateway failed', retryable: false },
  upstream_unauthorized: {
    status: 502,
    title: "The model server refused the gateway's credentials",
    retryable: false,
  },
  upstream_error: { status: 502, title: 'The model server failed', retryable: false },
  invalid_output: { status: 502, title: 'The answer does not fit the output schema', retryable: false },
  result_too_large: {
    status: 502,
    title: 'The result is larger than what is kept of a job',
    retryable: false,
  },
  model_not_ready: { status: 503, title: 'The model is not ready', retryable: true },
  circuit_open: {
    status: 503,
    title: 'The model server failed too often and is left alone',
    retryable: false,
  },
  overloaded: { status: 503, title: 'Too many calls or jobs are waiting', retryable: false },
  upstream_timeout: { status: 504, title: 'The model server did not answer in time', retryable: true },
} as const satisfies Record<string, ErrorRow>;

interface ErrorRow {
  /** The HTTP status code. */
  readonly status: number;
  /** A summary that is the same at every occurrence (RFC 9457, `title`). */
  readonly title: string;
  /** Whether the same call may succeed when it is tried again at once. An occurrence may say otherwise. */
  readonly retryable: boolean;
}

export type ErrorCode = keyof typeof errorTable;

/** One fault in a value, found by a schema. */
export interface SchemaFault {
  /** JSON Pointer (RFC 6901) to the faulty place; empty for the whole value. */
  readonly pointer: string;
  /** The JSON Schema keyword that was not met. */
  readonly keyword: string;
  readonly message: string;
}

export interface SkillgateErrorOptions {
  readonly cause?: unknown;
  readonly faults?: readonly SchemaFault[];
  /** When the caller may come again, in milliseconds from now. */
  readonly retryAfterMs?: number | undefined;
  /** Overrides the table's word on this occurrence. */
  readonly retryable?: boolean;
  /** The HTTP status with which the model server answered, where it did. */
  readonly upstreamStatus?: number;
  /**
   * False where it is certain that the model did not run: the request never left, or was turned away. Only then is a
   * call that is not idempotent sent again. True unless said otherwise.
   */
  readonly mayHaveRun?: boolean;
}

/** The one error that crosses rooms: a code of the table, and what happened this time. */
export class SkillgateError extends Error {
  override readonly name = 'SkillgateError';
  readonly code: ErrorCode;
  readonly faults: readonly SchemaFault[] | undefined;
  readonly retryAfterMs: number | undefined;
  readonly retryable: boolean;
  readonly upstreamStatus: number | undefined;
  readonly mayHaveRun: boolean;

  /**
   * @param code the row of the table
   * @param detail what happened this time, for the caller to read: no secrets, no paths, no stack
   */
  constructor(code: ErrorCode, detail: string, options: SkillgateErrorOptions = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.faults = options.faults;
    this.retryAfterMs = options.retryAfterMs;
    this.retryable = options.retryable ?? errorTable[code].retryable;
    this.upstreamStatus = options.upstreamStatus;
    this.mayHaveRun = options.mayHaveRun ?? true;
  }
}

/** The error that says this best: itself, or `internal` with the original as its cause. */
export function toSkillgateError(error: unknown): SkillgateError {
  if (error instanceof SkillgateError) return error;
  return new SkillgateError('internal', 'The gateway failed on this call; its log has the cause.', {
    cause: error,
  });
}
