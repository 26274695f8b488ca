import { describe, expect, it } from 'vitest';
import { singleFlight } from '../../src/policies/single-flight.ts';
import { makeCall, ScriptedModel, settle } from '../call.ts';

const fingerprint = { key: 'k', canonicalInput: '{"text":"hello"}' };

describe('single-flight', () => {
  it('lets equal calls share one run of the model', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const first = makeCall({ fingerprint });
    const second = makeCall({ fingerprint });
    const answers = Promise.all([handle(first), handle(second)]);
    await settle();
    expect(model.calls).toHaveLength(1);
    model.at(0).call.report.attempts = 2;
    model.at(0).resolve('answer');
    expect(await answers).toEqual(['answer', 'answer']);
    expect([first.report.collapsed, second.report.collapsed]).toEqual([false, true]);
    expect(second.report.attempts).toBe(2);
  });

  it('asks the model anew once the shared call has ended', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const first = handle(makeCall({ fingerprint }));
    model.at(0).resolve('one');
    await first;
    const second = handle(makeCall({ fingerprint }));
    model.at(1).resolve('two');
    expect(await second).toBe('two');
  });

  it('goes on for the others when the caller who came first leaves', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const leaving = new AbortController();
    const first = handle(makeCall({ fingerprint, signal: leaving.signal }));
    const second = handle(makeCall({ fingerprint }));
    leaving.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    expect(model.at(0).call.signal.aborted).toBe(false);
    model.at(0).resolve('answer');
    expect(await second).toBe('answer');
  });

  it('calls the answer of exactly one of those who got it their own, also when who came first has left', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const leaving = new AbortController();
    const calls = [
      makeCall({ fingerprint, signal: leaving.signal }),
      makeCall({ fingerprint }),
      makeCall({ fingerprint }),
    ];
    const answers = Promise.allSettled(calls.map((call) => handle(call)));
    leaving.abort(new Error('left'));
    model.at(0).resolve('answer');
    expect((await answers).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    expect(calls.map(({ report }) => report.collapsed)).toEqual([false, false, true]);
  });

  it('cancels the model when the last caller has left, and not before', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const leaving = [new AbortController(), new AbortController()] as const;
    const answers = leaving.map(({ signal }) => handle(makeCall({ fingerprint, signal })));
    leaving[0].abort(new Error('left'));
    await expect(answers[0]).rejects.toThrow('left');
    expect(model.at(0).call.signal.aborted).toBe(false);
    leaving[1].abort(new Error('left too'));
    await expect(answers[1]).rejects.toThrow('left too');
    expect(model.at(0).call.signal.aborted).toBe(true);
  });

  it('starts afresh for who comes after everyone has left', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const leaving = new AbortController();
    const first = handle(makeCall({ fingerprint, signal: leaving.signal }));
    leaving.abort(new Error('left'));
    await expect(first).rejects.toThrow('left');
    const second = handle(makeCall({ fingerprint }));
    model.at(1).resolve('answer');
    expect(await second).toBe('answer');
  });

  it('does not run the model for a caller who has already left', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const signal = AbortSignal.abort(new Error('left'));
    await expect(handle(makeCall({ fingerprint, signal }))).rejects.toThrow('left');
    expect(model.calls).toHaveLength(0);
  });

  it('hands a failure to everyone who waited', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const answers = [handle(makeCall({ fingerprint })), handle(makeCall({ fingerprint }))];
    model.at(0).reject(new Error('broken'));
    for (const answer of answers) await expect(answer).rejects.toThrow('broken');
  });

  it('keeps questions apart whose keys collide', async () => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const first = handle(makeCall({ fingerprint }));
    const other = handle(makeCall({ fingerprint: { key: 'k', canonicalInput: '{"text":"bye"}' } }));
    model.at(0).resolve('hello');
    model.at(1).resolve('bye');
    expect(await Promise.all([first, other])).toEqual(['hello', 'bye']);
  });

  it.each([
    ['a call without a fingerprint', {}],
    ['a call that asks for a fresh answer', { fingerprint, cacheDirective: 'no-cache' as const }],
  ])('runs %s alone', async (_what, overrides) => {
    const model = new ScriptedModel<string>();
    const handle = singleFlight<string>()(model.handle);
    const answers = [handle(makeCall(overrides)), handle(makeCall(overrides))];
    expect(model.calls).toHaveLength(2);
    model.at(0).resolve('one');
    model.at(1).resolve('two');
    expect(await Promise.all(answers)).toEqual(['one', 'two']);
  });
});
