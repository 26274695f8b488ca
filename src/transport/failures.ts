import { SkillgateError } from '../contracts/errors.ts';

/** Certificate faults that a corporate CA explains, by their OpenSSL names. */
const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Whether the peer broke the connection off, which may go better the next time. */
const brokenOff = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'UND_ERR_SOCKET']);

/** The code by which Node and undici name an error; empty where it has none. */
function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/**
 * Tells why no TCP connection came about. Addresses stay in the cause: callers do not learn where a model lives.
 *
 * @param peer who was called, such as `The model server`
 */
export function connectFailure(error: unknown, peer: string): SkillgateError {
  if (error instanceof SkillgateError) return error;
  const code = codeOf(error);
  if (code === 'ETIMEDOUT') {
    return new SkillgateError(
      'upstream_timeout',
      `${peer} did not answer in the connect phase (ETIMEDOUT).`,
      {
        cause: error,
        mayHaveRun: false,
      },
    );
  }
  return new SkillgateError('upstream_error', connectDetail(code, peer), {
    cause: error,
    retryable: true,
    mayHaveRun: false,
  });
}

function connectDetail(code: string, peer: string): string {
  if (code === 'ECONNREFUSED') return `${peer} refuses connections (ECONNREFUSED).`;
  if (code === 'ENOTFOUND' || code.startsWith('EAI_'))
    return `${peer} has a name that does not resolve (${code}).`;
  return `${peer} cannot be reached${code === '' ? '' : ` (${code})`}.`;
}

/** Tells why no TLS session came about on a connection that stands. */
export function handshakeFailure(error: unknown, peer: string): SkillgateError {
  if (error instanceof SkillgateError) return error;
  const code = codeOf(error);
  const reason = unknownAuthority.has(code)
    ? 'its certificate comes from an authority that the gateway does not know: see UPSTREAM_CA_FILE'
    : code || 'no reason was given';
  return new SkillgateError('upstream_error', `${peer} and the gateway do not agree on TLS (${reason}).`, {
    cause: error,
    // A wrong certificate is wrong the next time too.
    retryable: brokenOff.has(code),
    mayHaveRun: false,
  });
}

/**
 * Tells why an exchange broke off on a connection that stood.
 *
 * @param begun whether a byte of the answer had come
 */
export function exchangeFailure(error: unknown, begun: boolean): SkillgateError {
  if (error instanceof SkillgateError) return error;
  const code = codeOf(error);
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') {
    return new SkillgateError('internal', 'The request to the model server could not be written.', {
      cause: error,
      mayHaveRun: false,
    });
  }
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return closingFailure();
  }
  if (!begun && brokenOff.has(code)) {
    return new SkillgateError(
      'upstream_error',
      'The model server closed the connection before it answered.',
      {
        cause: error,
        retryable: true,
      },
    );
  }
  const detail =
    brokenOff.has(code) || code === 'HPE_INVALID_EOF_STATE' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
      ? 'The model server closed the connection in the middle of its answer.'
      : `The model server's answer is not HTTP as it should be${code === '' ? '' : ` (${code})`}.`;
  return new SkillgateError('upstream_error', detail, { cause: error });
}

/** The failure of what is under way when the gateway ends. */
export function closingFailure(): SkillgateError {
  return new SkillgateError('upstream_error', 'The gateway is closing its connections.');
}
