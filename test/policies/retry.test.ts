import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SkillgateError, type SkillgateErrorOptions } from '../../src/contracts/errors.ts';
import { type RetryOptions, retry } from '../../src/policies/retry.ts';
import { makeCall, settle } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const options: RetryOptions = { maxAttempts: 3, baseMs: 100, maxMs: 1000, idempotent: true, random: () => 0 };
const failure = (more: SkillgateErrorOptions = {}) =>
  new SkillgateError('upstream_error', 'bad gateway', { retryable: true, ...more });

describe('retry', () => {
  it('tries again after waits that double, and gives the answer that came at last', async () => {
    const model = vi
      .fn()
      .mockRejectedValueOnce(failure())
      .mockRejectedValueOnce(failure())
      .mockResolvedValue('ok');
    const answer = retry(options)(model)(makeCall());
    await vi.advanceTimersByTimeAsync(49);
    expect(model).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(model).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(99);
    expect(model).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toBe('ok');
  });

  it('gives the last failure when the attempts are used up', async () => {
    const model = vi.fn().mockRejectedValue(failure());
    const refused = expect(retry(options)(model)(makeCall())).rejects.toThrow('bad gateway');
    await vi.runAllTimersAsync();
    await refused;
    expect(model).toHaveBeenCalledTimes(3);
  });

  it("waits as long as the server's Retry-After says", async () => {
    const model = vi
      .fn()
      .mockRejectedValueOnce(failure({ retryAfterMs: 5000 }))
      .mockResolvedValue('ok');
    const answer = retry(options)(model)(makeCall());
    await vi.advanceTimersByTimeAsync(4999);
    expect(model).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await answer).toBe('ok');
  });

  it('does not wait for an attempt that would come after the deadline', async () => {
    const model = vi.fn().mockRejectedValue(failure({ retryAfterMs: 5000 }));
    const call = makeCall({ deadlineAt: performance.now() + 5000 });
    await expect(retry(options)(model)(call)).rejects.toMatchObject({ retryAfterMs: 5000 });
    expect(model).toHaveBeenCalledTimes(1);
  });

  it('stops waiting at once when the caller leaves', async () => {
    const model = vi.fn().mockRejectedValue(failure());
    const leaving = new AbortController();
    const answer = retry(options)(model)(makeCall({ signal: leaving.signal }));
    await settle();
    leaving.abort(new Error('left'));
    await expect(answer).rejects.toThrow('left');
    expect(vi.getTimerCount()).toBe(0);
    expect(model).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['a refusal', new SkillgateError('upstream_error', 'bad request')],
    ['an open circuit', new SkillgateError('circuit_open', 'open')],
    ['an error that is no SkillgateError', new TypeError('a bug')],
  ])('does not repeat %s', async (_what, error) => {
    const model = vi.fn().mockRejectedValue(error);
    await expect(retry(options)(model)(makeCall())).rejects.toBe(error);
    expect(model).toHaveBeenCalledTimes(1);
  });

  it('repeats a call that is not idempotent only if it certainly did not run', async () => {
    const model = vi
      .fn()
      .mockRejectedValueOnce(failure({ mayHaveRun: false }))
      .mockRejectedValue(failure());
    const refused = expect(retry({ ...options, idempotent: false })(model)(makeCall())).rejects.toThrow(
      'bad gateway',
    );
    await vi.runAllTimersAsync();
    await refused;
    expect(model).toHaveBeenCalledTimes(2);
  });

  it('leaves a model that is not ready to who loads it, where somebody does', async () => {
    const notReady = new SkillgateError('model_not_ready', 'unloaded');
    const model = vi.fn().mockRejectedValue(notReady);
    await expect(retry({ ...options, leavesNotReady: true })(model)(makeCall())).rejects.toBe(notReady);
    expect(model).toHaveBeenCalledTimes(1);
  });
});
