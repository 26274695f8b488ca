import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Adapter } from '../../src/contracts/adapter.ts';
import type { ErrorCode } from '../../src/contracts/errors.ts';
import type { JsonValue } from '../../src/contracts/json.ts';
import type { ModelStatus } from '../../src/contracts/readiness.ts';
import { createAttempt } from '../attempt.ts';

/** A model, and what one protocol's adapter is to make of it. */
export interface ContractSubject {
  /** An adapter whose model answers `output` to `input`. */
  readonly adapter: Adapter;
  readonly input: JsonValue;
  readonly output: JsonValue;
  /** How many inferences the model has run. */
  inferences(): number;
  /** Makes the model work on the next inference for as long as somebody waits. Resolves when it has begun. */
  workForever(): { readonly begun: Promise<unknown>; readonly stopped?: Promise<unknown> };
  /** Makes the next inference give something that is no answer of the protocol; absent where that cannot be. */
  answerNonsense?(): void;
  /** Adapters whose model cannot be called, what a call throws, and what a probe says. */
  readonly absent: readonly AbsentModel[];
  /** Releases what the subject holds, the adapters included. */
  cleanUp(): Promise<void>;
}

export interface AbsentModel {
  /** Such as `is not there`, `is loading`. */
  readonly what: string;
  createAdapter(): Promise<Adapter>;
  readonly error: { readonly code: ErrorCode; readonly retryable: boolean; readonly mayHaveRun: boolean };
  readonly state: ModelStatus['state'];
}

/**
 * What every protocol's adapter does, whatever it speaks.
 *
 * @param absences the `what` of each entry of `absent`, in its order
 */
export function describeAdapterContract(
  name: string,
  absences: readonly string[],
  setUp: () => Promise<ContractSubject>,
): void {
  describe(`${name} fulfils the adapter contract:`, () => {
    let subject: ContractSubject;

    beforeEach(async () => {
      subject = await setUp();
    });

    afterEach(() => subject.cleanUp());

    test('a valid input gets the output of the model', async () => {
      await expect(subject.adapter.infer(createAttempt(subject.input))).resolves.toEqual(subject.output);
      expect(subject.inferences()).toBe(1);
    });

    test('the output can be written as JSON, and does not share its parts with the input', async () => {
      const input = structuredClone(subject.input);
      const output = await subject.adapter.infer(createAttempt(input));
      expect(JSON.parse(JSON.stringify(output))).toEqual(output);
      expect(input).toEqual(subject.input);
    });

    test('an attempt is told when the model gets its work, and when pieces of the answer come', async () => {
      const attempt = createAttempt(subject.input);
      await subject.adapter.infer(attempt);
      expect(attempt.sentCount).toBe(1);
      expect(attempt.progressCount).toBeGreaterThan(0);
    });

    test('several inferences run side by side', async () => {
      const outputs = await Promise.all(
        Array.from({ length: 5 }, () => subject.adapter.infer(createAttempt(subject.input))),
      );
      expect(outputs).toEqual(Array.from({ length: 5 }, () => subject.output));
    });

    test('a batch gives each input what it gets alone, in their order', async (context) => {
      const { adapter, input, output } = subject;
      if (!adapter.inferBatch) return context.skip();
      const rows = await adapter.inferBatch({ ...createAttempt(null), input: [input, input, input] });
      expect(rows).toEqual([output, output, output]);
      expect(await adapter.inferBatch({ ...createAttempt(null), input: [input] })).toEqual([output]);
    });

    test("an abort ends a batch at once, with the signal's reason", async (context) => {
      const { adapter, input } = subject;
      if (!adapter.inferBatch) return context.skip();
      const { begun, stopped } = subject.workForever();
      const controller = new AbortController();
      const reason = new Error('left');
      const attempt = { ...createAttempt(null, controller.signal), input: [input, input] };
      const ended = expect(adapter.inferBatch(attempt)).rejects.toBe(reason);
      await begun;
      controller.abort(reason);
      await ended;
      await stopped;
    });

    test("an abort ends the inference at once, with the signal's reason, and the next one goes well", async () => {
      const { begun, stopped } = subject.workForever();
      const controller = new AbortController();
      const reason = new Error('left');
      const inference = subject.adapter.infer(createAttempt(subject.input, controller.signal));
      const ended = expect(inference).rejects.toBe(reason);
      await begun;
      controller.abort(reason);
      await ended;
      await stopped;
      await expect(subject.adapter.infer(createAttempt(subject.input))).resolves.toEqual(subject.output);
    });

    test("an attempt that nobody waits for any more runs nothing, and throws the signal's reason", async () => {
      const reason = new Error('left');
      const attempt = createAttempt(subject.input, AbortSignal.abort(reason));
      await expect(subject.adapter.infer(attempt)).rejects.toBe(reason);
      expect(attempt.sentCount).toBe(0);
      expect(subject.inferences()).toBe(0);
    });

    test('a probe of a model that can be called says ready, and infers nothing', async () => {
      const status = await subject.adapter.probe(new AbortController().signal);
      expect(status).toEqual({ state: 'ready', reason: expect.stringMatching(/./) });
      expect(subject.inferences()).toBe(0);
    });

    test("an aborted probe throws the signal's reason", async () => {
      const reason = new Error('too long');
      await expect(subject.adapter.probe(AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    test('something that is no answer is upstream_error, and not tried again', async (context) => {
      if (!subject.answerNonsense) return context.skip();
      subject.answerNonsense();
      await expect(subject.adapter.infer(createAttempt(subject.input))).rejects.toMatchObject({
        name: 'SkillgateError',
        code: 'upstream_error',
        retryable: false,
      });
    });

    describe.each(absences.map((what, index) => [what, index] as const))('a model that %s', (what, index) => {
      let adapter: Adapter;
      let absent: AbsentModel | undefined;

      beforeEach(async () => {
        absent = subject.absent[index];
        expect(absent?.what).toBe(what);
        if (absent) adapter = await absent.createAdapter();
      });

      afterEach(() => adapter.close());

      test('is an error of its own kind', async () => {
        await expect(adapter.infer(createAttempt(subject.input))).rejects.toMatchObject({
          name: 'SkillgateError',
          ...absent?.error,
        });
      });

      test('is told by the probe, with a reason', async () => {
        await expect(adapter.probe(new AbortController().signal)).resolves.toEqual({
          state: absent?.state,
          reason: expect.stringMatching(/./),
        });
      });
    });

    test('closing twice does no harm', async () => {
      await subject.adapter.close();
      await subject.adapter.close();
    });
  });
}
