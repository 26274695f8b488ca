import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mapConcurrent } from '../../src/lib/map-concurrent.ts';

it('keeps the order and never has more at work than allowed', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 4 })),
      fc.integer({ min: 1, max: 5 }),
      async (turns, limit) => {
        let working = 0;
        let most = 0;
        const results = await mapConcurrent(turns, limit, async (wait, index) => {
          working += 1;
          most = Math.max(most, working);
          for (let turn = 0; turn < wait; turn += 1) await Promise.resolve();
          working -= 1;
          return index;
        });
        expect(results).toEqual(turns.map((_, index) => index));
        expect(most).toBe(Math.min(limit, turns.length));
      },
    ),
  );
});
