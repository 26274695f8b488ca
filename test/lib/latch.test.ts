import { expect, it } from 'vitest';
import { createLatch } from '../../src/lib/latch.ts';

const patient = () => new AbortController().signal;

it('remembers what happened before somebody asked, however often, and only once', async () => {
  const latch = createLatch();
  latch.set();
  latch.set();
  await latch.wait(patient());
  await expect(latch.wait(AbortSignal.timeout(20))).rejects.toThrow('timeout');
});

it('wakes who waits, and is ready to be waited for again', async () => {
  const latch = createLatch();
  for (let turn = 0; turn < 2; turn += 1) {
    const woken = latch.wait(patient());
    latch.set();
    await woken;
  }
});

it('keeps what happened for the next one when the waiting is called off', async () => {
  const latch = createLatch();
  const reason = new Error('enough');
  const controller = new AbortController();
  const waiting = latch.wait(controller.signal);
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  latch.set();
  await expect(latch.wait(controller.signal)).rejects.toBe(reason);
  await latch.wait(patient());
});
