import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RowResult } from '../../src/contracts/adapter.ts';
import { SkillgateError } from '../../src/contracts/errors.ts';
import type { JsonValue } from '../../src/contracts/json.ts';
import type { Call } from '../../src/contracts/pipeline.ts';
import { type BatchingOptions, batching } from '../../src/policies/batching.ts';
import { makeCall, settle } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type BatchCall = Call<readonly JsonValue[]>;

/** A policy above a model that the test answers for, whose batches have grown to their full size. */
async function setUp(options: Partial<BatchingOptions> = {}) {
  const batches: {
    call: BatchCall;
    resolve(rows?: readonly RowResult[]): void;
    reject(error: unknown): void;
  }[] = [];
  const batch = vi.fn<(size: number) => void>();
  const maxSize = options.maxSize ?? 4;
  const handle = batching({
    maxSize,
    maxWaitMs: 50,
    latencyMs: 1000,
    maxInFlight: 2,
    idempotent: true,
    meter: { batch },
    ...options,
  })(
    (call) =>
      new Promise((resolve, reject) => {
        batches.push({ call, resolve: (rows = call.input) => resolve(rows), reject });
        call.signal.addEventListener('abort', () => reject(call.signal.reason), { once: true });
      }),
  );
  const send = (input: JsonValue, overrides: Partial<Call> = {}) => handle(makeCall({ input, ...overrides }));

  for (let round = 0; round < 40; round += 1) {
    const answers = Array.from({ length: maxSize }, (_, index) => send(index));
    await turn();
    while (batches.length > 0) {
      for (const { resolve } of batches.splice(0)) resolve();
      await turn();
    }
    await Promise.all(answers);
  }
  batch.mockClear();
  return { batches, batch, send, inputs: () => batches.map(({ call }) => call.input) };
}

/** Lets the event loop turn once, without time passing. */
async function turn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
  await settle();
}

function refusal(status: number): SkillgateError {
  return new SkillgateError('upstream_error', `The model server answered ${status}.`, {
    upstreamStatus: status,
  });
}

describe('batching', () => {
  it('sends a lone call at once while the model is idle', async () => {
    const { send, inputs } = await setUp();
    const before = performance.now();
    void send('a');
    await turn();
    expect(inputs()).toEqual([['a']]);
    expect(performance.now()).toBe(before);
  });

  it('sends calls that come together as one, in their order, and gives each its own row', async () => {
    const { send, batches, inputs, batch } = await setUp();
    const answers = ['a', 'b', 'c'].map((input) => send(input));
    await turn();
    expect(inputs()).toEqual([['a', 'b', 'c']]);
    batches[0]?.resolve(['A', null, 'C']);
    expect(await Promise.all(answers)).toEqual(['A', null, 'C']);
    expect(batch.mock.calls).toEqual([[3]]);
  });

  it('holds a call for max_wait_ms while the model works, and no longer', async () => {
    const { send, inputs } = await setUp();
    void send('a');
    await turn();
    void send('b');
    await vi.advanceTimersByTimeAsync(20);
    void send('c');
    await vi.advanceTimersByTimeAsync(29);
    expect(inputs()).toEqual([['a']]);
    await vi.advanceTimersByTimeAsync(1);
    expect(inputs()).toEqual([['a'], ['b', 'c']]);
  });

  it('sends a full batch without waiting', async () => {
    const { send, inputs } = await setUp();
    void send('a');
    await turn();
    for (const input of ['b', 'c', 'd', 'e', 'f']) void send(input);
    await turn();
    expect(inputs()).toEqual([['a'], ['b', 'c', 'd', 'e']]);
  });

  it('sends what waits when the model becomes idle', async () => {
    const { send, batches, inputs } = await setUp();
    const first = send('a');
    await turn();
    void send('b');
    await turn();
    batches[0]?.resolve();
    await first;
    await turn();
    expect(inputs()).toEqual([['a'], ['b']]);
  });

  it('keeps no more batches at the model than it may', async () => {
    const { send, batches, inputs } = await setUp({ maxInFlight: 1 });
    void send('a');
    await turn();
    for (const input of ['b', 'c', 'd', 'e', 'f']) void send(input);
    await vi.advanceTimersByTimeAsync(500);
    expect(inputs()).toEqual([['a']]);
    batches[0]?.resolve();
    await turn();
    expect(inputs()).toEqual([['a'], ['b', 'c', 'd', 'e']]);
    batches[1]?.resolve();
    await turn();
    expect(inputs()).toEqual([['a'], ['b', 'c', 'd', 'e'], ['f']]);
  });

  it('drops a row whose caller leaves before the batch is sent', async () => {
    const { send, inputs } = await setUp();
    void send('a');
    await turn();
    const leaving = new AbortController();
    const left = expect(send('b', { signal: leaving.signal })).rejects.toThrow('left');
    void send('c');
    leaving.abort(new Error('left'));
    await left;
    await vi.advanceTimersByTimeAsync(50);
    expect(inputs()).toEqual([['a'], ['c']]);
  });

  it('does not send a call whose time was over while it waited for room', async () => {
    const { send, batches, inputs } = await setUp({ maxInFlight: 1 });
    void send('a');
    await turn();
    const late = expect(send('b', { deadlineAt: performance.now() + 100 })).rejects.toMatchObject({
      code: 'upstream_timeout',
      retryable: false,
    });
    void send('c');
    await vi.advanceTimersByTimeAsync(100);
    batches[0]?.resolve();
    await late;
    await turn();
    expect(inputs()).toEqual([['a'], ['c']]);
  });

  it('runs nothing for a caller who has left already', async () => {
    const { send, batches } = await setUp();
    await expect(send('a', { signal: AbortSignal.abort(new Error('left')) })).rejects.toThrow('left');
    await turn();
    expect(batches).toHaveLength(0);
  });

  it('goes on for the others when one caller leaves, and ends the batch when the last one has left', async () => {
    const { send, batches } = await setUp();
    const callers = [new AbortController(), new AbortController()];
    const answers = callers.map(({ signal }, index) =>
      expect(send(index, { signal })).rejects.toThrow('left'),
    );
    await turn();
    const signal = batches[0]?.call.signal;
    callers[0]?.abort(new Error('left'));
    expect(signal?.aborted).toBe(false);
    callers[1]?.abort(new Error('left'));
    expect(signal?.reason).toMatchObject({ code: 'cancelled' });
    await Promise.all(answers);
  });

  it('lets a row fail alone that the adapter tells to be bad', async () => {
    const { send, batches } = await setUp();
    const answers = [send('a'), send('b')];
    await turn();
    batches[0]?.resolve([new SkillgateError('invalid_input', 'ragged'), 'B']);
    await expect(answers[0]).rejects.toMatchObject({ code: 'invalid_input' });
    expect(await answers[1]).toBe('B');
  });

  it('halves a batch that was refused until the bad row is alone', async () => {
    const { send, batches, inputs } = await setUp();
    const answers = ['a', 'bad', 'c', 'd'].map((input) => send(input));
    const outcomes = Promise.allSettled(answers);
    await turn();
    for (let next = 0; next < batches.length; next += 1) {
      const { call, resolve, reject } = batches[next] ?? expect.fail();
      if (call.input.includes('bad')) reject(refusal(400));
      else resolve();
      await turn();
    }
    expect((await outcomes).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(inputs()).toEqual([['a', 'bad', 'c', 'd'], ['a', 'bad'], ['c', 'd'], ['a'], ['bad']]);
  });

  it('sends no more than twice as many requests as rows when every row is bad', async () => {
    const { send, batches } = await setUp({ maxSize: 16 });
    const outcomes = Promise.allSettled(Array.from({ length: 16 }, (_, index) => send(index)));
    await turn();
    for (let next = 0; next < batches.length; next += 1) {
      batches[next]?.reject(refusal(500));
      await turn();
    }
    expect((await outcomes).every(({ status }) => status === 'rejected')).toBe(true);
    expect(batches).toHaveLength(31);
  });

  it.each([
    ['the model is unknown', refusal(404)],
    [
      'the credentials were refused',
      new SkillgateError('upstream_unauthorized', 'no', { upstreamStatus: 401 }),
    ],
    ['the circuit is open', new SkillgateError('circuit_open', 'no')],
    ['the model took too long', new SkillgateError('upstream_timeout', 'no')],
    ['the retries are spent', new SkillgateError('upstream_error', 'no', { retryable: true })],
  ])('fails every row at once where %s', async (_what, error) => {
    const { send, batches } = await setUp();
    const outcomes = Promise.allSettled([send('a'), send('b')]);
    await turn();
    batches[0]?.reject(error);
    expect((await outcomes).map((outcome) => outcome.status === 'rejected' && outcome.reason)).toEqual([
      error,
      error,
    ]);
    expect(batches).toHaveLength(1);
  });

  it('sends rows of a skill that is not idempotent again only where they have not run', async () => {
    const { send, batches } = await setUp({ idempotent: false });
    const outcomes = Promise.allSettled([send('a'), send('b')]);
    await turn();
    batches[0]?.reject(refusal(500));
    await outcomes;
    expect(batches).toHaveLength(1);
  });

  it('leaves out of the halves whoever has left meanwhile', async () => {
    const { send, batches, inputs } = await setUp();
    const leaving = new AbortController();
    const left = expect(send('a', { signal: leaving.signal })).rejects.toThrow('left');
    const others = Promise.allSettled([send('b'), send('c')]);
    await turn();
    leaving.abort(new Error('left'));
    await left;
    batches[0]?.reject(refusal(400));
    await turn();
    expect(inputs().slice(1)).toEqual([['b'], ['c']]);
    for (const { resolve } of batches.slice(1)) resolve();
    await others;
  });

  it('fails a row for which the model gave nothing', async () => {
    const { send, batches } = await setUp();
    const outcomes = Promise.allSettled([send('a'), send('b')]);
    await turn();
    batches[0]?.resolve(['A']);
    expect(await outcomes).toMatchObject([{ value: 'A' }, { reason: { code: 'upstream_error' } }]);
  });

  it('gives the batch the time of its most patient caller, and tells every caller of the attempts', async () => {
    const { send, batches } = await setUp();
    const calls = [makeCall({ deadlineAt: 100 }), makeCall({ deadlineAt: 300 })];
    const answers = calls.map((call) => send('x', call));
    await turn();
    const { call, resolve } = batches[0] ?? expect.fail();
    expect(call.deadlineAt).toBe(300);
    call.report.attempts = 2;
    call.report.upstreamMs = 7;
    resolve();
    await Promise.all(answers);
    expect(calls.map(({ report }) => report)).toMatchObject([
      { attempts: 2, upstreamMs: 7 },
      { attempts: 2, upstreamMs: 7 },
    ]);
  });

  it('sends smaller batches when the model takes longer than it may', async () => {
    const { send, batches, inputs } = await setUp({ maxSize: 16, latencyMs: 10 });
    for (let round = 0; round < 10; round += 1) {
      const answers = Array.from({ length: 16 }, (_, index) => send(index));
      await turn();
      while (batches.length > 0) {
        await vi.advanceTimersByTimeAsync(100);
        for (const { resolve } of batches.splice(0)) resolve();
        await turn();
      }
      await Promise.all(answers);
    }
    for (let index = 0; index < 16; index += 1) void send(index);
    await turn();
    expect(inputs()[0]?.length).toBeLessThan(12);
  });
});
