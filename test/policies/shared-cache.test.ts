import { describe, expect, it, vi } from 'vitest';
import type { Answer } from '../../src/contracts/invocation.ts';
import type { CacheEntry, SharedLookup } from '../../src/contracts/stores.ts';
import { type SharedCacheOptions, sharedCache } from '../../src/policies/shared-cache.ts';
import { makeCall, ScriptedModel, settle } from '../call.ts';

const fingerprint = { key: 'k', canonicalInput: '{"text":"hello"}' };
const entry: CacheEntry = { skill: 'echo', canonicalInput: fingerprint.canonicalInput, json: '"stored"' };

/** A store whose look-ups the test gives, the last one from then on. */
function setUp(lookups: readonly SharedLookup[], options: Partial<SharedCacheOptions> = {}) {
  const store = {
    isAway: false,
    get: vi.fn(async (): Promise<CacheEntry | undefined> => undefined),
    set: vi.fn(async () => undefined),
    lookUp: vi.fn(async (): Promise<SharedLookup> => {
      const lookup = lookups[Math.min(store.lookUp.mock.calls.length, lookups.length) - 1];
      return lookup ?? { kind: 'away' };
    }),
  };
  const meter = { cacheRequest: vi.fn() };
  const model = new ScriptedModel<Answer>();
  const policy = sharedCache({
    store,
    skill: 'echo',
    ttlMs: 1000,
    waitMs: 60_000,
    collapses: true,
    meter,
    ...options,
  });
  return { store, meter, model, handle: policy(model.handle) };
}

function newClaim() {
  return { keep: vi.fn(async () => undefined), release: vi.fn(async () => undefined) };
}

describe('shared cache', () => {
  it('answers with what is stored', async () => {
    const { handle, meter, model } = setUp([{ kind: 'found', entry }]);
    const call = makeCall({ fingerprint });
    expect((await handle(call)).json).toBe('"stored"');
    expect(call.report.cache).toBe('hit');
    expect(meter.cacheRequest.mock.calls).toEqual([['redis', 'hit']]);
    expect(model.calls).toHaveLength(0);
  });

  it('answers from no entry whose question is another, and leaves it as it is', async () => {
    const { handle, model, store } = setUp([{ kind: 'found', entry: { ...entry, canonicalInput: '1' } }]);
    const answer = handle(makeCall({ fingerprint }));
    await settle();
    model.at(0).resolve({ json: '"asked"' });
    expect((await answer).json).toBe('"asked"');
    expect(store.set).not.toHaveBeenCalled();
  });

  it('keeps the answer to the question that it claimed', async () => {
    const claim = newClaim();
    const { handle, model, meter } = setUp([{ kind: 'claimed', claim }]);
    const answer = handle(makeCall({ fingerprint }));
    await settle();
    model.at(0).resolve({ json: '"asked"' });
    await answer;
    expect(claim.keep).toHaveBeenCalledWith({ ...entry, json: '"asked"' }, 1000);
    expect(meter.cacheRequest.mock.calls).toEqual([['redis', 'miss']]);
  });

  it('lets the next one ask when the model fails', async () => {
    const claim = newClaim();
    const { handle, model } = setUp([{ kind: 'claimed', claim }]);
    const answer = handle(makeCall({ fingerprint }));
    await settle();
    model.at(0).reject(new Error('broken'));
    await expect(answer).rejects.toThrow('broken');
    expect(claim.release).toHaveBeenCalledTimes(1);
  });

  it('waits for the answer of another gateway', async () => {
    const { handle, model } = setUp([
      { kind: 'asked_elsewhere' },
      { kind: 'asked_elsewhere' },
      { kind: 'found', entry },
    ]);
    expect((await handle(makeCall({ fingerprint }))).json).toBe('"stored"');
    expect(model.calls).toHaveLength(0);
  });

  it('waits no longer than it may, then asks itself', async () => {
    const { handle, model, store } = setUp([{ kind: 'asked_elsewhere' }], { waitMs: 20 });
    const answer = handle(makeCall({ fingerprint }));
    await vi.waitFor(() => expect(model.calls).toHaveLength(1));
    model.at(0).resolve({ json: '"asked"' });
    expect((await answer).json).toBe('"asked"');
    expect(store.set).toHaveBeenCalledTimes(1);
  });

  it('stops waiting when the caller leaves', async () => {
    const { handle, model } = setUp([{ kind: 'asked_elsewhere' }]);
    const leaving = new AbortController();
    const answer = handle(makeCall({ fingerprint, signal: leaving.signal }));
    await settle();
    leaving.abort(new Error('left'));
    await expect(answer).rejects.toThrow('left');
    expect(model.calls).toHaveLength(0);
  });

  it('asks the model again for no-cache, and keeps that answer', async () => {
    const { handle, model, store } = setUp([{ kind: 'found', entry }]);
    const answer = handle(makeCall({ fingerprint, cacheDirective: 'no-cache' }));
    await settle();
    model.at(0).resolve({ json: '"fresh"' });
    expect((await answer).json).toBe('"fresh"');
    expect(store.lookUp).not.toHaveBeenCalled();
    expect(store.set).toHaveBeenCalledWith('k', { ...entry, json: '"fresh"' }, 1000);
  });

  it('claims nothing where equal calls may not share one run of the model', async () => {
    const { handle, model, store } = setUp([{ kind: 'asked_elsewhere' }], { collapses: false });
    const answer = handle(makeCall({ fingerprint }));
    await settle();
    model.at(0).resolve({ json: '"asked"' });
    await answer;
    expect(store.lookUp).not.toHaveBeenCalled();
    store.get.mockResolvedValueOnce(entry);
    expect((await handle(makeCall({ fingerprint }))).json).toBe('"stored"');
  });

  it.each([
    ['what may not be shared', { fingerprint: undefined }, false],
    ['anything while the store is away', { fingerprint }, true],
  ])('asks the store nothing about %s', async (_what, about, isAway) => {
    const { handle, model, store } = setUp([{ kind: 'found', entry }]);
    store.isAway = isAway;
    const answer = handle(makeCall(about));
    await settle();
    model.at(0).resolve({ json: '"asked"' });
    expect((await answer).json).toBe('"asked"');
    expect([store.lookUp, store.get, store.set].every((method) => method.mock.calls.length === 0)).toBe(true);
  });
});
