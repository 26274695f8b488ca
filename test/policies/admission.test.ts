import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createAdmission } from '../../src/policies/admission.ts';
import { makeCall, ScriptedModel, settle } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(limits: { max: number; queue: number; queueMs?: number }) {
  const admission = createAdmission({ queueMs: 1000, ...limits });
  const model = new ScriptedModel<string>();
  return { admission, model, handle: admission.policy(async (call) => model.handle(call)) };
}

describe('admission', () => {
  it('keeps the calls in flight within the limit and lets the others in as they came', async () => {
    const { admission, model, handle } = setUp({ max: 2, queue: 10 });
    const answers = [0, 1, 2, 3].map((number) => handle(makeCall({ input: number })));
    await settle();
    expect(model.calls.map(({ call }) => call.input)).toEqual([0, 1]);
    expect([admission.inFlight, admission.queued]).toEqual([2, 2]);
    model.at(1).resolve('one');
    await settle();
    expect(model.calls.map(({ call }) => call.input)).toEqual([0, 1, 2]);
    for (const index of [0, 2]) model.at(index).resolve('');
    await settle();
    model.at(3).resolve('');
    await Promise.all(answers);
    expect([admission.inFlight, admission.queued]).toEqual([0, 0]);
  });

  it('turns away who finds the queue full, with a time to come back', async () => {
    const { model, handle } = setUp({ max: 1, queue: 1 });
    const first = handle(makeCall());
    await settle();
    vi.advanceTimersByTime(500);
    model.at(0).resolve('');
    await first;
    const admitted = [handle(makeCall()), handle(makeCall())];
    await expect(handle(makeCall())).rejects.toMatchObject({
      code: 'overloaded',
      retryAfterMs: expect.toSatisfy((ms: number) => ms > 0),
    });
    model.at(1).resolve('');
    await settle();
    model.at(2).resolve('');
    await Promise.all(admitted);
  });

  it('turns away who waited too long', async () => {
    const { admission, handle } = setUp({ max: 1, queue: 1, queueMs: 100 });
    void handle(makeCall());
    const waiting = handle(makeCall());
    const refused = expect(waiting).rejects.toMatchObject({ code: 'overloaded' });
    await vi.advanceTimersByTimeAsync(100);
    await refused;
    expect(admission.queued).toBe(0);
  });

  it('frees the place of a caller who leaves the queue, and never runs its call', async () => {
    const { admission, model, handle } = setUp({ max: 1, queue: 1 });
    const first = handle(makeCall());
    const leaving = new AbortController();
    const second = handle(makeCall({ signal: leaving.signal }));
    await settle();
    leaving.abort(new Error('left'));
    await expect(second).rejects.toThrow('left');
    expect(admission.queued).toBe(0);
    model.at(0).resolve('');
    await first;
    expect(model.calls).toHaveLength(1);
    expect(admission.inFlight).toBe(0);
  });

  it('frees the place of a call that failed', async () => {
    const { admission, model, handle } = setUp({ max: 1, queue: 0 });
    const failing = handle(makeCall());
    await settle();
    model.at(0).reject(new Error('broken'));
    await expect(failing).rejects.toThrow('broken');
    expect(admission.inFlight).toBe(0);
  });
});
