import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import type { SharedSlot, SharedSlots } from '../../../src/contracts/stores.ts';
import { openStores, redisOfThisFile } from './redis.ts';
import { newSkill, slotTools, soonMs, staying } from './slots.ts';

const redis = redisOfThisFile();
const { admin, inLine, twoGateways, handOverMs } = slotTools(redis);

it('gives no more slots than there are over all gateways, in the order in which they were asked for', async () => {
  const { one, other } = await twoGateways(2);
  const order: string[] = [];
  const held = [await one.take(staying), await other.take(staying)];
  const waiters: Promise<SharedSlot>[] = [];
  for (const [name, gateway] of [
    ['a', other],
    ['b', one],
    ['c', other],
  ] as const) {
    const slot = gateway.take(staying);
    void slot.then(() => order.push(name));
    waiters.push(slot);
    await inLine(waiters.length);
  }
  expect(order).toEqual([]);
  held[0]?.giveBack();
  (await waiters[0])?.giveBack();
  (await waiters[1])?.giveBack();
  await waiters[2];
  expect(order).toEqual(['a', 'b', 'c']);
});

it('gives no more than there are, and loses none, whatever comes and goes', async () => {
  const skill = newSkill(4);
  const stores = await Promise.all([1, 2, 3].map(() => openStores(redis.url)));
  const gateways = stores.map(({ slotsOf }) => slotsOf(skill));
  let [held, most, served, left] = [0, 0, 0, 0];

  async function comeAndGo(slots: SharedSlots): Promise<void> {
    for (let call = 0; call < 25; call += 1) {
      const leaving = new AbortController();
      const timer = setTimeout(() => leaving.abort(), 1 + Math.random() * 30);
      try {
        const slot = await slots.take(leaving.signal);
        held += 1;
        most = Math.max(most, held);
        await pause(Math.random() * 3);
        held -= 1;
        served += 1;
        slot.giveBack();
      } catch (error) {
        if (error !== leaving.signal.reason) throw error;
        left += 1;
      } finally {
        clearTimeout(timer);
      }
    }
  }

  await Promise.all(gateways.flatMap((slots) => Array.from({ length: 12 }, () => comeAndGo(slots))));
  expect([most, served + left]).toEqual([4, 900]);
  expect(Math.min(served, left)).toBeGreaterThan(0);
  const client = admin();
  await vi.waitFor(async () => expect(await client.keys(`skillgate:slots:{${skill.name}}:*`)).toEqual([]));
});

it('tells who waits at once that its slot is free', async () => {
  const { one, other } = await twoGateways(1);
  expect(await handOverMs(one, other, 1)).toBeLessThan(soonMs);
});

it('finds out soon where the message was lost', async () => {
  const { one, other } = await twoGateways(1);
  const slot = await one.take(staying);
  const waiting = other.take(staying);
  await inLine(1);
  await admin().call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  const startedAt = performance.now();
  slot.giveBack();
  await waiting;
  expect(performance.now() - startedAt).toBeLessThan(1000);
});

it('passes on the slot of who leaves as it comes', async () => {
  const { one, other } = await twoGateways(1);
  const slot = await one.take(staying);
  const leaving = new AbortController();
  const left = other.take(leaving.signal);
  await inLine(1);
  const next = one.take(staying);
  await inLine(2);
  slot.giveBack();
  leaving.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  (await next).giveBack();
});

it('takes nothing for who has left already', async () => {
  const { one, other } = await twoGateways(1);
  await expect(one.take(AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
  await other.take(staying);
});

it('leaves nothing behind in Redis', async () => {
  const { skill, one, other } = await twoGateways(1);
  const slot = await one.take(staying);
  const waiting = other.take(staying);
  await inLine(1);
  const client = admin();
  const keys = () => client.keys(`skillgate:slots:{${skill.name}}:*`);
  for (const key of await keys()) expect(await client.pttl(key)).toBeGreaterThan(0);
  slot.giveBack();
  (await waiting).giveBack();
  await vi.waitFor(async () => expect(await keys()).toEqual([]));
});
