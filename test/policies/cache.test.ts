import { describe, expect, it, vi } from 'vitest';
import type { Answer } from '../../src/contracts/invocation.ts';
import { type CacheOptions, cache } from '../../src/policies/cache.ts';
import { createMemoryCache } from '../../src/stores/memory-cache.ts';
import { makeCall } from '../call.ts';

function setUp(options: Partial<CacheOptions> = {}) {
  const store = createMemoryCache({ maxEntries: 10, maxBytes: 100_000 });
  const meter = { cacheRequest: vi.fn() };
  const model = vi.fn(async (): Promise<Answer> => ({ json: `"answer ${model.mock.calls.length}"` }));
  const skill = { name: 'echo', version: '1.0.0', digest: 'd1' };
  const make = (more: Partial<CacheOptions> = {}) =>
    cache({ store, skill, scope: 'shared', ttlMs: 1000, meter, ...options, ...more })(model);
  return { store, meter, model, make, handle: make() };
}

describe('cache', () => {
  it("serves the stored answer when the input's keys come in another order", async () => {
    const { handle, model, meter } = setUp();
    const first = await handle(makeCall({ input: { a: 1, b: { c: [1, 2], d: 'x' } } }));
    const again = makeCall({ input: { b: { d: 'x', c: [1, 2] }, a: 1 } });
    expect((await handle(again)).json).toBe(first.json);
    expect(again.report.cache).toBe('hit');
    expect(model).toHaveBeenCalledTimes(1);
    expect(meter.cacheRequest.mock.calls).toEqual([
      ['memory', 'miss'],
      ['memory', 'hit'],
    ]);
  });

  it('asks again once the answer is too old', async () => {
    vi.useFakeTimers();
    vi.advanceTimersByTime(1); // lru-cache takes a clock at 0 for no time at all.
    const { handle, model } = setUp({ ttlMs: 1000 });
    await handle(makeCall());
    vi.advanceTimersByTime(999);
    await handle(makeCall());
    expect(model).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(2);
    await handle(makeCall());
    expect(model).toHaveBeenCalledTimes(2);
    vi.useRealTimers();
  });

  it('keeps an answer that was kept elsewhere before for the time that is left to it', async () => {
    vi.useFakeTimers();
    vi.advanceTimersByTime(1); // lru-cache takes a clock at 0 for no time at all.
    const { handle, model } = setUp({ ttlMs: 1000 });
    model.mockResolvedValueOnce({ json: '"old"', remainingMs: 100 });
    await handle(makeCall());
    vi.advanceTimersByTime(99);
    expect((await handle(makeCall())).json).toBe('"old"');
    vi.advanceTimersByTime(2);
    expect((await handle(makeCall())).json).toBe('"answer 2"');
    vi.useRealTimers();
  });

  it('answers from no entry whose question is another, even under the same key', async () => {
    const { store, handle, model } = setUp();
    const get = vi.spyOn(store, 'get');
    get.mockReturnValue({ skill: 'echo', canonicalInput: '{"text":"another"}', json: '"wrong"' });
    expect((await handle(makeCall())).json).toBe('"answer 1"');
    expect(model).toHaveBeenCalledTimes(1);
  });

  it.each([
    ['version', { skill: { name: 'echo', version: '2.0.0', digest: 'd1' } }],
    ['definition', { skill: { name: 'echo', version: '1.0.0', digest: 'd2' } }],
    ['name', { skill: { name: 'other', version: '1.0.0', digest: 'd1' } }],
  ])('asks again when the %s of the skill is another', async (_what, change) => {
    const { handle, make, model } = setUp();
    await handle(makeCall());
    await make(change)(makeCall());
    expect(model).toHaveBeenCalledTimes(2);
  });

  it('keeps callers apart where the scope is the caller', async () => {
    const { handle, model } = setUp({ scope: 'caller' });
    const call = (id: string) => makeCall({ caller: { id, skills: '*' } });
    await handle(call('ann'));
    await handle(call('bob'));
    expect(model).toHaveBeenCalledTimes(2);
    await handle(call('ann'));
    expect(model).toHaveBeenCalledTimes(2);
  });

  it('asks the model again for no-cache, and keeps that answer', async () => {
    const { handle } = setUp();
    await handle(makeCall());
    const fresh = makeCall({ cacheDirective: 'no-cache' });
    expect((await handle(fresh)).json).toBe('"answer 2"');
    expect(fresh.report.cache).toBe('request');
    expect((await handle(makeCall())).json).toBe('"answer 2"');
  });

  it('neither reads nor writes for no-store', async () => {
    const { handle } = setUp();
    await handle(makeCall());
    const passing = makeCall({ cacheDirective: 'no-store' });
    expect((await handle(passing)).json).toBe('"answer 2"');
    expect(passing.report.cache).toBe('bypass');
    expect((await handle(makeCall())).json).toBe('"answer 1"');
  });

  it('keeps no failure', async () => {
    const { handle, model } = setUp();
    model.mockRejectedValueOnce(new Error('broken'));
    await expect(handle(makeCall())).rejects.toThrow('broken');
    expect((await handle(makeCall())).json).toBe('"answer 2"');
  });

  it('stores an answer that several calls share only once', async () => {
    const { store, make } = setUp();
    const set = vi.spyOn(store, 'set');
    const handle = make();
    const collapsed = makeCall();
    collapsed.report.collapsed = true;
    await Promise.all([handle(makeCall()), handle(collapsed)]);
    expect(set).toHaveBeenCalledTimes(1);
  });
});
