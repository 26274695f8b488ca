import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SkillgateError } from '../../src/contracts/errors.ts';
import type { ReadinessState, ReadinessView } from '../../src/contracts/readiness.ts';
import { readinessGate } from '../../src/policies/readiness-gate.ts';
import { makeCall, settle } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(initial: ReadinessState | undefined, waitMs = 0) {
  let state = initial;
  let announce: () => void = () => undefined;
  const readiness: ReadinessView = {
    get current() {
      return state && { state, reason: 'as the test says', sinceMs: 0 };
    },
    nextProbeMs: 2500,
    changed: (signal) =>
      new Promise((resolve, reject) => {
        announce = resolve;
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      }),
    suspect: vi.fn(),
  };
  const model = vi.fn<() => Promise<string>>().mockResolvedValue('ok');
  const handle = readinessGate({ readiness, waitMs })(model);
  const become = (next: ReadinessState) => {
    state = next;
    announce();
  };
  return { readiness, model, handle, become };
}

describe('readiness gate', () => {
  it.each(['loading', 'not_ready', 'gpu_exhausted'] as const)(
    'turns a call away at once while the model is %s, with the time of the next probe',
    async (state) => {
      const { handle, model } = setUp(state);
      await expect(handle(makeCall())).rejects.toMatchObject({ code: 'model_not_ready', retryAfterMs: 2500 });
      expect(model).not.toHaveBeenCalled();
    },
  );

  it.each(['ready', 'unreachable', undefined] as const)('tries a model that is %s', async (state) => {
    const { handle } = setUp(state);
    expect(await handle(makeCall())).toBe('ok');
  });

  it('holds a call back until the model is ready, where the skill says so', async () => {
    const { handle, model, become } = setUp('loading', 1000);
    const answer = handle(makeCall());
    await settle();
    become('not_ready');
    await settle();
    expect(model).not.toHaveBeenCalled();
    become('ready');
    expect(await answer).toBe('ok');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gives up waiting after its time', async () => {
    const { handle, model } = setUp('loading', 1000);
    const refused = expect(handle(makeCall())).rejects.toMatchObject({ code: 'model_not_ready' });
    await vi.advanceTimersByTimeAsync(1000);
    await refused;
    expect(model).not.toHaveBeenCalled();
  });

  it('stops waiting at once when the caller leaves', async () => {
    const { handle } = setUp('loading', 1000);
    const leaving = new AbortController();
    const answer = handle(makeCall({ signal: leaving.signal }));
    await settle();
    leaving.abort(new Error('left'));
    await expect(answer).rejects.toThrow('left');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('has the model probed when a call finds it not ready or unreachable, and not for other failures', async () => {
    const { handle, model, readiness } = setUp('ready');
    model.mockRejectedValueOnce(new SkillgateError('upstream_error', 'bad', { upstreamStatus: 400 }));
    await expect(handle(makeCall())).rejects.toThrow();
    expect(readiness.suspect).not.toHaveBeenCalled();
    model.mockRejectedValueOnce(new SkillgateError('model_not_ready', 'loading'));
    await expect(handle(makeCall())).rejects.toThrow();
    model.mockRejectedValueOnce(new SkillgateError('upstream_error', 'refused', { mayHaveRun: false }));
    await expect(handle(makeCall())).rejects.toThrow();
    expect(readiness.suspect).toHaveBeenCalledTimes(2);
  });
});
