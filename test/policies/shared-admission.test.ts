import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { SharedSlot } from '../../src/contracts/stores.ts';
import { createAdmission } from '../../src/policies/admission.ts';
import { createSharedAdmission } from '../../src/policies/shared-admission.ts';
import { makeCall, ScriptedModel, settle } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** An admission of two places in this process, over slots that the test gives. */
function setUp() {
  const asked: { give(): SharedSlot; readonly signal: AbortSignal }[] = [];
  const giveBack = vi.fn();
  const slots = {
    take: (signal: AbortSignal) =>
      new Promise<SharedSlot>((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
        const slot = { giveBack };
        asked.push({
          signal,
          give() {
            resolve(slot);
            return slot;
          },
        });
      }),
  };
  const local = createAdmission({ max: 2, queue: 10, queueMs: 1000 });
  const admission = createSharedAdmission({ local, slots, queueMs: 1000 });
  const model = new ScriptedModel<string>();
  return { admission, asked, giveBack, model, handle: admission.policy(model.handle) };
}

it('lets a call run once it has its slot, and gives the slot back when it has ended', async () => {
  const { admission, asked, giveBack, model, handle } = setUp();
  const answer = handle(makeCall());
  await settle();
  expect([model.calls.length, admission.inFlight, admission.queued]).toEqual([0, 0, 1]);
  asked[0]?.give();
  await settle();
  expect([model.calls.length, admission.inFlight, admission.queued]).toEqual([1, 1, 0]);
  expect(giveBack).not.toHaveBeenCalled();
  model.at(0).resolve('answer');
  expect(await answer).toBe('answer');
  expect(giveBack).toHaveBeenCalledTimes(1);
  expect([admission.inFlight, admission.queued]).toEqual([0, 0]);
});

it('gives the slot back when the call fails', async () => {
  const { asked, giveBack, model, handle } = setUp();
  const answer = handle(makeCall());
  await settle();
  asked[0]?.give();
  await settle();
  model.at(0).reject(new Error('broken'));
  await expect(answer).rejects.toThrow('broken');
  expect(giveBack).toHaveBeenCalledTimes(1);
});

it('asks for no more slots than this process has places, and counts everybody else as waiting', async () => {
  const { admission, asked, model, handle } = setUp();
  const answers = [0, 1, 2].map((number) => handle(makeCall({ input: number })));
  await settle();
  expect([asked.length, admission.inFlight, admission.queued]).toEqual([2, 0, 3]);
  asked[0]?.give();
  await settle();
  model.at(0).resolve('');
  await settle();
  expect([asked.length, admission.inFlight, admission.queued]).toEqual([3, 0, 2]);
  for (const number of [1, 2]) {
    asked[number]?.give();
    await settle();
    model.at(number).resolve('');
  }
  await Promise.all(answers);
});

it('turns away who has waited for queue_ms in this process and among all together', async () => {
  const { admission, asked, model, handle } = setUp();
  const first = [handle(makeCall()), handle(makeCall())];
  await settle();
  for (const { give } of asked) give();
  await settle();
  const refused = expect(handle(makeCall())).rejects.toMatchObject({
    code: 'overloaded',
    mayHaveRun: false,
    retryAfterMs: 300,
  });
  await vi.advanceTimersByTimeAsync(700);
  model.at(0).resolve('');
  await settle();
  expect(asked).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(299);
  expect(asked[2]?.signal.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await refused;
  model.at(1).resolve('');
  await Promise.all(first);
  expect([model.calls.length, admission.inFlight, admission.queued]).toEqual([2, 0, 0]);
});

it('lets who has waited almost too long in this process ask for a slot all the same', async () => {
  const { asked, model, handle } = setUp();
  const first = [handle(makeCall()), handle(makeCall())];
  await settle();
  for (const { give } of asked) give();
  const late = handle(makeCall());
  await vi.advanceTimersByTimeAsync(999);
  model.at(0).resolve('');
  await vi.advanceTimersByTimeAsync(40);
  asked[2]?.give();
  await settle();
  for (const number of [1, 2]) model.at(number).resolve('late');
  expect(await late).toBe('late');
  await Promise.all(first);
});

it('stops waiting at once when the caller leaves, and frees its place', async () => {
  const { admission, asked, model, handle } = setUp();
  const leaving = new AbortController();
  const answer = handle(makeCall({ signal: leaving.signal }));
  await settle();
  leaving.abort(new Error('left'));
  await expect(answer).rejects.toThrow('left');
  expect(asked[0]?.signal.aborted).toBe(true);
  expect([model.calls.length, admission.inFlight, admission.queued]).toEqual([0, 0, 0]);
});
