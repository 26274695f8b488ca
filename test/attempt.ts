import type { Attempt } from '../src/contracts/adapter.ts';
import type { JsonValue } from '../src/contracts/json.ts';

/** An attempt that counts what the adapter tells of it. */
export interface RecordedAttempt extends Attempt {
  readonly sentCount: number;
  readonly progressCount: number;
}

/** Makes an attempt for a test; without a signal nobody leaves. */
export function createAttempt(
  input: JsonValue,
  signal: AbortSignal = new AbortController().signal,
): RecordedAttempt {
  let sentCount = 0;
  let progressCount = 0;
  return {
    input,
    requestId: 'request-1',
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    signal,
    sent() {
      sentCount += 1;
    },
    progressed() {
      progressCount += 1;
    },
    get sentCount() {
      return sentCount;
    },
    get progressCount() {
      return progressCount;
    },
  };
}
