import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from '../../src/lib/backoff.ts';

it('stays between half of the doubled wait and the whole of it, and under the longest wait', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 60 }), chance, (failures, random) => {
      const ceiling = Math.min(2000, 100 * 2 ** (failures - 1));
      const ms = backoffMs(failures, { baseMs: 100, maxMs: 2000 }, () => random);
      expect(ms).toBeGreaterThanOrEqual(ceiling / 2);
      expect(ms).toBeLessThanOrEqual(ceiling);
    }),
  );
});
