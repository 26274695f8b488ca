import { hash } from 'node:crypto';

const pattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const idPattern = /^[0-9a-f]{32}$/;

/**
 * The `traceparent` (W3C Trace Context, section 3.2) of a call: the caller's where it is well formed, else that of a new
 * trace, not sampled, whose id follows from the request's: so the log of the gateway and that of the model server find
 * each other, and all attempts of a call are one trace.
 */
export function traceparentOf(given: string | undefined, requestId: string): string {
  if (given !== undefined && pattern.test(given)) return given;
  const traceId = idPattern.test(requestId) ? requestId : hash('md5', requestId);
  return `00-${traceId}-${traceId.slice(16)}-00`;
}
