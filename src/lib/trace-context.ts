import { randomUUID } from 'node:crypto';

const pattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** A `traceparent` (W3C Trace Context, section 3.2): the one given where it is well formed, else that of a new trace, not sampled. */
export function continueTrace(given: string | undefined): string {
  if (given !== undefined && pattern.test(given)) return given;
  const traceId = randomUUID().replaceAll('-', '');
  return `00-${traceId}-${traceId.slice(16)}-00`;
}
