import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { deadline } from '../../src/policies/deadline.ts';
import { makeCall, ScriptedModel } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('deadline', () => {
  it('aborts what runs past it, and says which limit that was', async () => {
    const model = new ScriptedModel();
    const answer = deadline(1000)(model.handle)(makeCall());
    const refused = expect(answer).rejects.toMatchObject({
      code: 'upstream_timeout',
      message: expect.stringContaining('1000 ms'),
      retryable: false,
    });
    await vi.advanceTimersByTimeAsync(1000);
    await refused;
    expect(model.at(0).call.signal.aborted).toBe(true);
  });

  it('tells the policies inside when it will be over', async () => {
    const model = new ScriptedModel();
    const answer = deadline(1000)(model.handle)(makeCall());
    expect(model.at(0).call.deadlineAt).toBe(performance.now() + 1000);
    model.at(0).resolve('in time');
    expect(await answer).toBe('in time');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('passes on that the caller left', async () => {
    const model = new ScriptedModel();
    const leaving = new AbortController();
    const answer = deadline(1000)(model.handle)(makeCall({ signal: leaving.signal }));
    leaving.abort(new Error('left'));
    await expect(answer).rejects.toThrow('left');
    expect(vi.getTimerCount()).toBe(0);
  });
});
