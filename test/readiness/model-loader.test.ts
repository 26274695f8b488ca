import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SkillgateError } from '../../src/contracts/errors.ts';
import { createModelLoader } from '../../src/readiness/model-loader.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const staying = new AbortController().signal;

/** A loader whose loads the test ends one by one. */
function setUp(timeoutMs?: number) {
  const loads: { end(): void; fail(error: unknown): void; signal: AbortSignal }[] = [];
  const closing = new AbortController();
  const loader = createModelLoader({
    load: (signal) =>
      new Promise((end, fail) => {
        loads.push({ end, fail, signal });
        signal.addEventListener('abort', () => fail(signal.reason), { once: true });
      }),
    closed: closing.signal,
    ...(timeoutMs !== undefined && { timeoutMs }),
  });
  return { loader, loads, closing };
}

describe('loading a model', () => {
  it('happens once for all who ask, and again for who asks later', async () => {
    const { loader, loads } = setUp();
    const all = Promise.all([loader.load(staying), loader.load(staying), loader.load(staying)]);
    expect(loads).toHaveLength(1);
    loads[0]?.end();
    await all;
    void loader.load(staying);
    expect(loads).toHaveLength(2);
  });

  it('goes on when everybody who asked has left', async () => {
    const { loader, loads } = setUp();
    const leaving = new AbortController();
    const left = expect(loader.load(leaving.signal)).rejects.toThrow('left');
    leaving.abort(new Error('left'));
    await left;
    expect(loads[0]?.signal.aborted).toBe(false);
    const next = loader.load(staying);
    loads[0]?.end();
    await next;
    expect(loads).toHaveLength(1);
  });

  it('is not tried again for a while when it has failed, and says why', async () => {
    const { loader, loads } = setUp();
    const error = new SkillgateError('model_not_ready', 'out of memory');
    const told = { code: 'model_not_ready', message: 'out of memory', retryAfterMs: 5000 };
    const first = expect(loader.load(staying)).rejects.toMatchObject(told);
    loads[0]?.fail(error);
    await first;
    vi.advanceTimersByTime(4999);
    await expect(loader.load(staying)).rejects.toMatchObject(told);
    vi.advanceTimersByTime(1);
    void loader.load(staying);
    expect(loads).toHaveLength(2);
  });

  it('ends when the skill is closed', async () => {
    const { loader, closing } = setUp();
    const refused = expect(loader.load(staying)).rejects.toMatchObject({
      code: 'model_not_ready',
      message: 'The model server did not load the model before the skill was closed.',
    });
    closing.abort();
    await refused;
  });

  it('ends after its time', async () => {
    vi.useRealTimers();
    const { loader } = setUp(20);
    await expect(loader.load(staying)).rejects.toMatchObject({
      code: 'model_not_ready',
      message: 'The model server did not load the model within 20 ms.',
    });
  });
});
