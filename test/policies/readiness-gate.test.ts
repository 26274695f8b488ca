import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SkillgateError } from '../../src/contracts/errors.ts';
import type { ModelLoader, ReadinessState, ReadinessView } from '../../src/contracts/readiness.ts';
import { readinessGate } from '../../src/policies/readiness-gate.ts';
import { makeCall, settle } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(initial: ReadinessState | undefined, waitMs = 0, loader?: ModelLoader) {
  let current = initial && { state: initial, reason: 'as the test says', sinceMs: 0 };
  let announce: () => void = () => undefined;
  const readiness: ReadinessView = {
    get current() {
      return current;
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
  const handle = readinessGate({ readiness, waitMs, loader })(model);
  const become = (next: ReadinessState) => {
    current = { state: next, reason: 'as the test says', sinceMs: 0 };
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

  it('has a model loaded that is not, and lets the call in when it is ready', async () => {
    const load = vi.fn<ModelLoader['load']>().mockResolvedValue();
    const { handle, model, readiness, become } = setUp('not_ready', 1000, { load });
    const answer = handle(makeCall());
    await settle();
    expect(load).toHaveBeenCalledTimes(1);
    expect(readiness.suspect).toHaveBeenCalledTimes(1);
    expect(model).not.toHaveBeenCalled();
    become('ready');
    expect(await answer).toBe('ok');
  });

  it.each(['loading', 'gpu_exhausted'] as const)('loads no model that is %s', async (state) => {
    const load = vi.fn<ModelLoader['load']>();
    const { handle, become } = setUp(state, 1000, { load });
    const answer = handle(makeCall());
    await settle();
    become('ready');
    await answer;
    expect(load).not.toHaveBeenCalled();
  });

  it('says why a model cannot be loaded', async () => {
    const error = new SkillgateError('model_not_ready', 'out of memory');
    const { handle } = setUp('not_ready', 1000, { load: () => Promise.reject(error) });
    await expect(handle(makeCall())).rejects.toBe(error);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not wait for a load past its time', async () => {
    const load: ModelLoader['load'] = (signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      );
    const { handle } = setUp('not_ready', 1000, { load });
    const refused = expect(handle(makeCall())).rejects.toMatchObject({ code: 'model_not_ready' });
    await vi.advanceTimersByTimeAsync(1000);
    await refused;
  });

  it('has a model loaded that a call finds unloaded, and sends the call once more', async () => {
    const load = vi.fn<ModelLoader['load']>().mockResolvedValue();
    const { handle, model } = setUp('ready', 1000, { load });
    model.mockRejectedValueOnce(new SkillgateError('model_not_ready', 'unloaded'));
    expect(await handle(makeCall())).toBe('ok');
    expect(load).toHaveBeenCalledTimes(1);
    model.mockRejectedValue(new SkillgateError('model_not_ready', 'unloaded again'));
    await expect(handle(makeCall())).rejects.toThrow('unloaded again');
    expect(model).toHaveBeenCalledTimes(4);
  });
});
