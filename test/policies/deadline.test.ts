import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { deadline } from '../../src/policies/deadline.ts';
import { makeCall, ScriptedModel } from '../call.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('tells the policies inside when the time for all attempts is over', async () => {
  const model = new ScriptedModel();
  const answer = deadline(1000)(model.handle)(makeCall());
  expect(model.at(0).call.deadlineAt).toBe(performance.now() + 1000);
  model.at(0).resolve('in time');
  expect(await answer).toBe('in time');
});
