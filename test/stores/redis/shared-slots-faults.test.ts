import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { startRelay } from '../../servers/relay.ts';
import { openStores, redisOfThisFile } from './redis.ts';
import { newSkill, slotTools, soonMs, staying, takeAll, watched } from './slots.ts';

const redis = redisOfThisFile();
const { admin, twoGateways } = slotTools(redis);

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
