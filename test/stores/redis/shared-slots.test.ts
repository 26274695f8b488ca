import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { SharedSlot, SharedSlots } from '../../../src/contracts/stores.ts';
import { startRelay } from '../../servers/relay.ts';
import { openStores, redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();

/** A skill that no other test knows. */
const newSkill = (slots: number) => ({ name: `s${randomUUID()}`, slots });
const staying = new AbortController().signal;
/** Much longer than a message takes, and shorter than any look or lease. */
const soonMs = 60;

function admin(): Redis {
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  return client;
}

async function twoGateways(slots: number) {
  const skill = newSkill(slots);
  const [one, other] = await Promise.all([openStores(redis.url), openStores(redis.url)]);
  const gateways = { skill, one: one.slotsOf(skill), other: other.slotsOf(skill) };
  // Once a message has come through, both hear each other.
  for (const [from, to] of [
    [gateways.one, gateways.other],
    [gateways.other, gateways.one],
  ] as const) {
    await vi.waitFor(async () => expect(await handOverMs(from, to, slots)).toBeLessThan(soonMs));
  }
  return gateways;
}

async function takeAll(from: SharedSlots, count: number): Promise<readonly SharedSlot[]> {
  return Promise.all(Array.from({ length: count }, () => from.take(staying)));
}

/** How long it takes until a slot that one gateway gives back is the other's who waits for it, in milliseconds. */
async function handOverMs(from: SharedSlots, to: SharedSlots, slots: number): Promise<number> {
  const held = await takeAll(from, slots);
  const waiting = to.take(staying);
  await inLine(1);
  const startedAt = performance.now();
  held[0]?.giveBack();
  const slot = await waiting;
  const ms = performance.now() - startedAt;
  for (const other of [slot, ...held.slice(1)]) other.giveBack();
  return ms;
}

/** Resolves when so many wait for any slot. */
async function inLine(count: number): Promise<void> {
  const client = admin();
  await vi.waitFor(async () => {
    const keys = await client.keys('skillgate:slots:*:line');
    const lengths = await Promise.all(keys.map((key) => client.zcard(key)));
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(count);
  });
}

/** Tells whether a promise has settled. */
function watched<T>(promise: Promise<T>) {
  const state = { isSettled: false };
  const settle = () => {
    state.isSettled = true;
  };
  promise.then(settle, settle);
  return state;
}

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
  slot.giveBack();
  (await waiting).giveBack();
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

it('keeps a slot for as long as its process lives, and frees it when the process is gone', async () => {
  const relay = await startRelay(redis.port);
  onTestFinished(() => relay.close());
  const skill = newSkill(1);
  const living = (await openStores(`redis://127.0.0.1:${relay.port}`)).slotsOf(skill);
  const other = (await openStores(redis.url)).slotsOf(skill);
  await living.take(staying);
  const waiting = other.take(staying);
  const state = watched(waiting);
  await pause(3500);
  expect(state.isSettled).toBe(false);
  relay.setAnswering(false);
  relay.cut();
  const startedAt = performance.now();
  await waiting;
  expect(performance.now() - startedAt).toBeLessThan(3500);
}, 15_000);

it('counts the calls that run again after Redis has lost everything', async () => {
  const { skill, one, other } = await twoGateways(1);
  const slot = await one.take(staying);
  const held = `skillgate:slots:{${skill.name}}:held`;
  const client = admin();
  await client.flushall();
  await vi.waitFor(async () => expect(await client.zcard(held)).toBe(1), { timeout: 3000 });
  const next = watched(other.take(staying));
  await pause(soonMs);
  expect(next.isSettled).toBe(false);
  slot.giveBack();
  await vi.waitFor(() => expect(next.isSettled).toBe(true));
});

it('frees slots whose leases a clock that was set back would let last', async () => {
  const { skill, one } = await twoGateways(1);
  await admin().zadd(`skillgate:slots:{${skill.name}}:held`, Date.now() + 3_600_000, 'somebody:1');
  await one.take(staying);
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

it('lets calls go on while Redis is silent, and counts them when it is back', async () => {
  const relay = await startRelay(redis.port);
  onTestFinished(() => relay.close());
  const skill = newSkill(1);
  const cutOff = (await openStores(`redis://127.0.0.1:${relay.port}`, { timeoutMs: 20 })).slotsOf(skill);
  const other = (await openStores(redis.url)).slotsOf(skill);
  const first = await cutOff.take(staying);
  const waiting = cutOff.take(staying);
  relay.setAnswering(false);
  const startedAt = performance.now();
  const [second, third] = await Promise.all([waiting, cutOff.take(staying)]);
  expect(performance.now() - startedAt).toBeLessThan(1000);
  relay.setAnswering(true);
  relay.cut();
  first.giveBack();
  const held = `skillgate:slots:{${skill.name}}:held`;
  const client = admin();
  await vi.waitFor(async () => expect(await client.zcard(held)).toBe(2), { timeout: 8000 });
  const next = watched(other.take(staying));
  second.giveBack();
  await pause(soonMs);
  expect(next.isSettled).toBe(false);
  third.giveBack();
  await vi.waitFor(() => expect(next.isSettled).toBe(true));
}, 15_000);

it('keeps to the limit while Redis is late for a moment', async () => {
  const skill = newSkill(1);
  const one = (await openStores(redis.url)).slotsOf(skill);
  const impatient = (await openStores(redis.url, { timeoutMs: 20 })).slotsOf(skill);
  const slot = await one.take(staying);
  await admin().client('PAUSE', 100);
  const next = watched(impatient.take(staying));
  await pause(300);
  expect(next.isSettled).toBe(false);
  slot.giveBack();
  await vi.waitFor(() => expect(next.isSettled).toBe(true));
});

it('gives back what Redis gave after nobody waited for it any more', async () => {
  const skill = newSkill(1);
  const late = (await openStores(redis.url, { timeoutMs: 20 })).slotsOf(skill);
  const other = (await openStores(redis.url)).slotsOf(skill);
  await admin().client('PAUSE', 900);
  (await late.take(staying)).giveBack();
  const startedAt = performance.now();
  await other.take(staying);
  expect(performance.now() - startedAt).toBeLessThan(2000);
});

it('lets calls go on where Redis refuses', async () => {
  await admin().call('ACL', 'SETUSER', 'limited', 'on', '>secret', '~*', '&*', '+@all', '-zadd');
  const { slotsOf } = await openStores(`redis://limited:secret@127.0.0.1:${redis.port}`);
  await takeAll(slotsOf(newSkill(1)), 2);
});
