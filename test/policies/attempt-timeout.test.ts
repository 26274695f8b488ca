import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Attempt } from '../../src/contracts/adapter.ts';
import type { JsonValue } from '../../src/contracts/json.ts';
import type { Call } from '../../src/contracts/pipeline.ts';
import { attemptTimeout } from '../../src/policies/attempt-timeout.ts';
import { makeCall } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start(overrides: Partial<Call> = {}) {
  const attempts: Attempt[] = [];
  let answer: (value: JsonValue) => void = () => undefined;
  const infer = (attempt: Attempt) =>
    new Promise<JsonValue>((resolve, reject) => {
      attempts.push(attempt);
      answer = resolve;
      attempt.signal.addEventListener('abort', () => reject(attempt.signal.reason), { once: true });
    });
  const outcome = attemptTimeout({ firstByteMs: 1000, betweenBytesMs: 100 })(infer)(makeCall(overrides));
  const [attempt] = attempts;
  if (!attempt) throw new Error('the adapter was not called');
  return { attempt, outcome, answer: (value: JsonValue) => answer(value) };
}

describe('attempt timeout', () => {
  it('aborts when the first byte is too long in coming, and names the phase', async () => {
    const { attempt, outcome } = start();
    const refused = expect(outcome).rejects.toMatchObject({
      code: 'upstream_timeout',
      message: expect.stringContaining('first byte within 1000 ms (first_byte_ms)'),
      retryable: true,
    });
    attempt.sent();
    await vi.advanceTimersByTimeAsync(1000);
    await refused;
  });

  it('aborts when the next byte is too long in coming, and names the phase', async () => {
    const { attempt, outcome } = start();
    const refused = expect(outcome).rejects.toMatchObject({
      message: expect.stringContaining('between_bytes_ms'),
    });
    attempt.sent();
    attempt.progressed();
    await vi.advanceTimersByTimeAsync(99);
    attempt.progressed();
    await vi.advanceTimersByTimeAsync(99);
    expect(attempt.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await refused;
  });

  it('does not count the time before the request was sent', async () => {
    const { attempt, outcome, answer } = start();
    await vi.advanceTimersByTimeAsync(5000);
    attempt.sent();
    answer('ok');
    expect(await outcome).toBe('ok');
    expect(vi.getTimerCount()).toBe(0);
  });

  it("aborts at the call's deadline, whatever the attempt waits for, and does not ask for another try", async () => {
    const { attempt, outcome } = start({ deadlineAt: performance.now() + 950 });
    const refused = expect(outcome).rejects.toMatchObject({
      code: 'upstream_timeout',
      message: expect.stringContaining('total_ms'),
      retryable: false,
    });
    attempt.sent();
    for (let piece = 0; piece < 10; piece += 1) {
      await vi.advanceTimersByTimeAsync(90);
      attempt.progressed();
    }
    expect(attempt.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(50);
    await refused;
  });

  it('bounds an attempt that never gets to send anything by the deadline alone', async () => {
    const { attempt, outcome } = start({ deadlineAt: performance.now() + 5000 });
    const refused = expect(outcome).rejects.toMatchObject({
      message: expect.stringContaining('the connection'),
    });
    await vi.advanceTimersByTimeAsync(4999);
    expect(attempt.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await refused;
  });

  it('passes on that the caller left', async () => {
    const leaving = new AbortController();
    const { outcome } = start({ signal: leaving.signal });
    leaving.abort(new Error('left'));
    await expect(outcome).rejects.toThrow('left');
  });
});
