import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, onTestFinished, vi } from 'vitest';
import type { SharedSlot, SharedSlots } from '../../../src/contracts/stores.ts';
import { openStores } from './redis.ts';

/** A skill that no other test knows. */
export const newSkill = (slots: number) => ({ name: `s${randomUUID()}`, slots });

/** The signal of callers who do not leave. */
export const staying = new AbortController().signal;

/** Much longer than a message takes, and shorter than any look or lease, in milliseconds. */
export const soonMs = 60;

/** Takes so many slots at once. */
export async function takeAll(from: SharedSlots, count: number): Promise<readonly SharedSlot[]> {
  return Promise.all(Array.from({ length: count }, () => from.take(staying)));
}

/** Tells whether a promise has settled. */
export function watched<T>(promise: Promise<T>) {
  const state = { isSettled: false };
  const settle = () => {
    state.isSettled = true;
  };
  promise.then(settle, settle);
  return state;
}

/** What the tests of slots do with the Redis of their file. */
export function slotTools(redis: { readonly url: string }) {
  /** A client beside those of the gateways. */
  function admin(): Redis {
    const client = new Redis(redis.url);
    onTestFinished(() => client.disconnect());
    return client;
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

  /** Two gateways that hear each other. */
  async function twoGateways(slots: number) {
    const skill = newSkill(slots);
    const [one, other] = await Promise.all([openStores(redis.url), openStores(redis.url)]);
    const gateways = { skill, one: one.slotsOf(skill), other: other.slotsOf(skill) };
    for (const [from, to] of [
      [gateways.one, gateways.other],
      [gateways.other, gateways.one],
    ] as const) {
      await vi.waitFor(async () => expect(await handOverMs(from, to, slots)).toBeLessThan(soonMs));
    }
    return gateways;
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

  return { admin, inLine, twoGateways, handOverMs };
}
