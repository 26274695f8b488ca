import { randomUUID } from 'node:crypto';

const traceparentPattern = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether the text is a `traceparent` (W3C Trace Context, section 3.2). */
export function isTraceparent(text: string): boolean {
  return traceparentPattern.test(text);
}

/** The `traceparent` of a new trace, not sampled. */
export function newTraceparent(): string {
  const traceId = randomUUID().replaceAll('-', '');
  return `00-${traceId}-${traceId.slice(16)}-00`;
}
