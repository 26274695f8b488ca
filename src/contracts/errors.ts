/**
 * Every error that a caller can meet, one row each. The row serves HTTP (status, title), retry (is the call worth
 * repeating as it is) and the documentation (when, and what to do).
 */
export const errorTable = {
  malformed_json: {
    status: 400,
    title: 'The body is not JSON',
    retryable: false,
    remedy: 'Send the input as JSON text, with every quote and line break inside strings escaped.',
  },
  invalid_input: {
    status: 400,
    title: 'The input does not fit the input schema',
    retryable: false,
    remedy:
      'Read `errors`: each entry points at a place in the input and says what it has to be. Mend the input and call again.',
  },
  invalid_request: {
    status: 400,
    title: 'The request, a header or a query parameter is not valid',
    retryable: false,
    remedy:
      'Read `detail`: it says what is wrong with the request, or names the header or the parameter and what it takes. Mend it and call again.',
  },
  unauthenticated: {
    status: 401,
    title: 'No valid credentials were presented',
    retryable: false,
    remedy:
      'Send a valid API key or token, as `Authorization: Bearer …`. Ask whoever runs the gateway for one.',
  },
  forbidden: {
    status: 403,
    title: 'The credentials do not cover this',
    retryable: false,
    remedy: 'Do not try again with the same key: it does not cover this skill. Ask whoever runs the gateway.',
  },
  not_found: {
    status: 404,
    title: 'No such route',
    retryable: false,
    remedy: 'Check the path and the method; /openapi.json lists every route.',
  },
  skill_not_found: {
    status: 404,
    title: 'No such skill',
    retryable: false,
    remedy: 'Check the name; `GET /skills` lists the skills that this key may use.',
  },
  job_not_found: {
    status: 404,
    title: 'No such job',
    retryable: false,
    remedy:
      'Check the id; `GET /jobs` lists your jobs. Results are kept for a while only: submit it again if need be.',
  },
  idempotency_conflict: {
    status: 409,
    title: 'The idempotency key was used with another input',
    retryable: false,
    remedy: 'Use a new key for a new input, or send the first input again to get its job.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    retryable: false,
    remedy: 'Send less at once: a shorter text, or the items in several calls.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The body has to be application/json',
    retryable: false,
    remedy: 'Send `Content-Type: application/json`.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many calls',
    retryable: false,
    remedy: 'Wait for as many seconds as `Retry-After` says, then call again.',
  },
  cancelled: {
    status: 499,
    title: 'The caller left before the answer came',
    retryable: false,
    remedy: 'Nobody waited for the answer any more. Call again if it is still wanted.',
  },
  internal: {
    status: 500,
    title: 'The gateway failed',
    retryable: false,
    remedy: 'Tell whoever runs the gateway, with the `request_id`. The same call may fail again.',
  },
  upstream_unauthorized: {
    status: 502,
    title: "The model server refused the gateway's credentials",
    retryable: false,
    remedy: 'Tell whoever runs the gateway: its credentials for the model server have to be renewed.',
  },
  upstream_error: {
    status: 502,
    title: 'The model server failed',
    retryable: false,
    remedy:
      "Read `detail`: it has the model server's own words. Call again later, or with another input if it names one.",
  },
  invalid_output: {
    status: 502,
    title: 'The answer does not fit the output schema',
    retryable: false,
    remedy:
      'Do not use the answer: the model gave something it should not. Try another input, or tell whoever runs the gateway.',
  },
  model_not_ready: {
    status: 503,
    title: 'The model is not ready',
    retryable: true,
    remedy:
      'The model is loading or short of memory. Wait for as many seconds as `Retry-After` says, then call again.',
  },
  result_too_large: {
    status: 502,
    title: 'The result is larger than what is kept of a job',
    retryable: false,
    remedy: 'Call the skill directly instead of as a job, or ask for less at once.',
  },
  circuit_open: {
    status: 503,
    title: 'The model server failed too often and is left alone',
    retryable: false,
    remedy:
      'The model server is failing. Wait for as many seconds as `Retry-After` says, then call again once.',
  },
  overloaded: {
    status: 503,
    title: 'Too many calls or jobs are waiting',
    retryable: false,
    remedy: 'Wait for as many seconds as `Retry-After` says, then call again with fewer calls at once.',
  },
  upstream_timeout: {
    status: 504,
    title: 'The model server did not answer in time',
    retryable: true,
    remedy: 'Call again with a smaller input, or later.',
  },
} as const satisfies Record<string, ErrorRow>;

interface ErrorRow {
  /** The HTTP status code. */
  readonly status: number;
  /** A summary that is the same at every occurrence (RFC 9457, `title`). */
  readonly title: string;
  /** Whether the same call may succeed when it is tried again at once. An occurrence may say otherwise. */
  readonly retryable: boolean;
  /** What the caller should do about it, told to Claude as well as to people. */
  readonly remedy: string;
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
