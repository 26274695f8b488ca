import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SkillgateError } from '../../src/contracts/errors.ts';
import { createBreaker } from '../../src/policies/breaker.ts';
import { makeCall, ScriptedModel } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const broken = () => new SkillgateError('upstream_error', 'no answer');

function setUp() {
  const breaker = createBreaker({ failures: 3, resetMs: 1000 });
  const model = vi.fn<() => Promise<string>>();
  const handle = breaker.policy(model);
  const fail = async (error: unknown = broken()) => {
    model.mockRejectedValueOnce(error);
    await expect(handle(makeCall())).rejects.toBe(error);
  };
  return { breaker, model, handle, fail };
}

describe('circuit breaker', () => {
  it('opens after so many failures in a row, and then leaves the server alone', async () => {
    const { breaker, model, handle, fail } = setUp();
    for (let failure = 0; failure < 3; failure += 1) await fail();
    expect(breaker.state).toBe('open');
    vi.advanceTimersByTime(400);
    await expect(handle(makeCall())).rejects.toMatchObject({ code: 'circuit_open', retryAfterMs: 600 });
    expect(model).toHaveBeenCalledTimes(3);
  });

  it('counts failures in a row only', async () => {
    const { breaker, model, handle, fail } = setUp();
    await fail();
    await fail();
    model.mockResolvedValueOnce('ok');
    await handle(makeCall());
    await fail();
    await fail();
    expect(breaker.state).toBe('closed');
  });

  it('lets one call probe after a while, which closes the circuit when it succeeds', async () => {
    const { breaker, fail } = setUp();
    for (let failure = 0; failure < 3; failure += 1) await fail();
    vi.advanceTimersByTime(1000);
    const model = new ScriptedModel<string>();
    const handle = breaker.policy(model.handle);
    const probe = handle(makeCall());
    expect(breaker.state).toBe('half_open');
    await expect(handle(makeCall())).rejects.toMatchObject({ code: 'circuit_open' });
    model.at(0).resolve('ok');
    expect(await probe).toBe('ok');
    expect(breaker.state).toBe('closed');
  });

  it('opens again when the probe fails', async () => {
    const { breaker, handle, fail } = setUp();
    for (let failure = 0; failure < 3; failure += 1) await fail();
    vi.advanceTimersByTime(1000);
    await fail();
    expect(breaker.state).toBe('open');
    await expect(handle(makeCall())).rejects.toMatchObject({ code: 'circuit_open', retryAfterMs: 1000 });
  });

  it('lets the next call probe when the prober left before it could tell', async () => {
    const { breaker, fail } = setUp();
    for (let failure = 0; failure < 3; failure += 1) await fail();
    vi.advanceTimersByTime(1000);
    const model = new ScriptedModel<string>();
    const handle = breaker.policy(model.handle);
    const leaving = new AbortController();
    const probe = handle(makeCall({ signal: leaving.signal }));
    leaving.abort(new SkillgateError('cancelled', 'left'));
    await expect(probe).rejects.toThrow('left');
    const next = handle(makeCall());
    model.at(1).resolve('ok');
    expect(await next).toBe('ok');
    expect(breaker.state).toBe('closed');
  });

  it('ignores what calls find that left before it opened', async () => {
    const breaker = createBreaker({ failures: 1, resetMs: 1000 });
    const model = new ScriptedModel<string>();
    const handle = breaker.policy(model.handle);
    const slow = handle(makeCall());
    const failing = handle(makeCall());
    model.at(1).reject(broken());
    await expect(failing).rejects.toThrow();
    model.at(0).resolve('late');
    await slow;
    expect(breaker.state).toBe('open');
  });

  it.each([
    ['a refusal of the input', new SkillgateError('upstream_error', 'bad', { upstreamStatus: 400 })],
    ['a full queue', new SkillgateError('upstream_error', 'busy', { upstreamStatus: 429 })],
    ['a loading model', new SkillgateError('model_not_ready', 'loading')],
    ['a bug of the gateway', new TypeError('bug')],
  ])('does not open for %s', async (_what, error) => {
    const { breaker, fail } = setUp();
    for (let failure = 0; failure < 5; failure += 1) await fail(error);
    expect(breaker.state).toBe('closed');
  });

  it.each([
    ['an unreachable server', new SkillgateError('upstream_error', 'refused')],
    ['a server error', new SkillgateError('upstream_error', 'bug', { upstreamStatus: 500 })],
    ['a timeout', new SkillgateError('upstream_timeout', 'slow')],
  ])('opens for %s', async (_what, error) => {
    const { breaker, fail } = setUp();
    for (let failure = 0; failure < 3; failure += 1) await fail(error);
    expect(breaker.state).toBe('open');
  });
});
