import { expect, it } from 'vitest';
import type { Policy } from '../../src/contracts/pipeline.ts';
import { compose } from '../../src/pipeline/compose.ts';
import { makeCall } from '../call.ts';

it('lets the call meet the policies in the order of the list, and the answer in the opposite one', async () => {
  const policy =
    (name: string): Policy<string> =>
    (next) =>
    async (call) =>
      `${name}(${await next(call)})`;
  const handle = compose([policy('cache'), policy('retry'), policy('breaker')], async () => 'model');
  expect(await handle(makeCall())).toBe('cache(retry(breaker(model)))');
});
