import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { CacheEntry, SharedLookup } from '../../../src/contracts/stores.ts';
import { startRelay } from '../../servers/relay.ts';
import { describeCacheStore } from '../cache-contract.ts';
import { openStores, redisOfThisFile } from './redis.ts';

const redis = redisOfThisFile();

/** A skill that no other test knows. */
const newSkill = () => ({ name: 'echo', digest: randomUUID().replaceAll('-', '') });
const entry: CacheEntry = { skill: 'echo', canonicalInput: '"hello"', json: '"en"' };

describeCacheStore('Redis', async () => (await openStores(redis.url)).answersOf(newSkill()));

async function twoGateways() {
  const skill = newSkill();
  const [one, other] = await Promise.all([openStores(redis.url), openStores(redis.url)]);
  return { skill, one: one.answersOf(skill), other: other.answersOf(skill) };
}

function claimOf(lookup: SharedLookup) {
  if (lookup.kind !== 'claimed') throw new Error(`claimed was due, not ${lookup.kind}`);
  return lookup.claim;
}

it.each([100, 5000, 300_000])('keeps an answer of %i random characters as it is', async (length) => {
  const { one, other } = await twoGateways();
  const letters = Array.from({ length }, () => String.fromCodePoint(32 + Math.floor(Math.random() * 500)));
  const large = { ...entry, canonicalInput: JSON.stringify(letters.slice(0, 50)), json: letters.join('') };
  await one.set('key', large, 60_000);
  expect(await other.get('key')).toMatchObject(large);
});

it('keeps long answers compressed, and none that would hold up the connection', async () => {
  const { one, other } = await twoGateways();
  await one.set('key', { ...entry, json: `"${'x'.repeat(4_000_000)}"` }, 60_000);
  expect((await other.get('key'))?.json).toHaveLength(4_000_002);
  const letters = Array.from({ length: 2_000_000 }, () => String.fromCharCode(32 + Math.random() * 90));
  await one.set('other key', { ...entry, json: letters.join('') }, 60_000);
  expect(await other.get('other key')).toBeUndefined();
});

it('tells for how long an answer is still good, and forgets it then', async () => {
  const { one, other } = await twoGateways();
  await one.set('key', entry, 100);
  expect((await other.get('key'))?.remainingMs).toBeLessThanOrEqual(100);
  await vi.waitFor(async () => expect(await other.get('key')).toBeUndefined());
});

it('keeps the forms of a skill apart', async () => {
  const stores = await openStores(redis.url);
  const skill = newSkill();
  await stores.answersOf(skill).set('key', entry, 60_000);
  expect(await stores.answersOf({ ...skill, digest: newSkill().digest }).get('key')).toBeUndefined();
});

it('lets one gateway alone ask, and gives the others its answer', async () => {
  const { one, other } = await twoGateways();
  const claim = claimOf(await one.lookUp('key'));
  expect(await other.lookUp('key')).toEqual({ kind: 'asked_elsewhere' });
  await claim.keep(entry, 60_000);
  expect(await other.lookUp('key')).toMatchObject({ kind: 'found', entry });
});

it('lets the next gateway ask when the first one got no answer', async () => {
  const { one, other } = await twoGateways();
  await claimOf(await one.lookUp('key')).release();
  const claim = claimOf(await other.lookUp('key'));
  expect(await one.lookUp('key')).toEqual({ kind: 'asked_elsewhere' });
  await claim.release();
});

it('ends no claim but its own', async () => {
  const { one, other } = await twoGateways();
  const late = claimOf(await one.lookUp('key'));
  await late.release();
  const current = claimOf(await other.lookUp('key'));
  await late.release();
  expect(await one.lookUp('key')).toEqual({ kind: 'asked_elsewhere' });
  await current.release();
});

it('ends a claim by itself when its gateway is gone', async () => {
  const relay = await startRelay(redis.port);
  onTestFinished(() => relay.close());
  const skill = newSkill();
  const gone = (await openStores(`redis://127.0.0.1:${relay.port}`)).answersOf(skill);
  const other = (await openStores(redis.url)).answersOf(skill);
  const claim = claimOf(await gone.lookUp('key'));
  relay.setAnswering(false);
  relay.cut();
  await vi.waitFor(async () => expect((await other.lookUp('key')).kind).toBe('claimed'), { timeout: 5000 });
  await claim.release();
});

it('takes bytes that it cannot read for no answer', async () => {
  const { skill, one } = await twoGateways();
  await one.set('key', entry, 60_000);
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  const [name] = await client.keys(`skillgate:answer:echo:${skill.digest.slice(0, 16)}:*`);
  for (const bytes of ['', '\u0001broken', '\u0009', '\u0000\u00ff\u00ff\u00ff\u007f']) {
    await client.set(name ?? '', Buffer.from(bytes, 'latin1'), 'PX', 60_000);
    expect(await one.get('key')).toBeUndefined();
    expect(await one.lookUp('key')).toEqual({ kind: 'away' });
  }
});
