import fc from 'fast-check';
import { expect, test } from 'vitest';
import { retryAfterMs } from '../../../src/adapters/shared/retry-after.ts';

const now = Date.parse('2026-11-20T08:00:00Z');

test.each([
  ['120', 120_000],
  ['0', 0],
  ['1.5', 1500],
  [' 3 ', 3000],
  ['Fri, 20 Nov 2026 08:00:10 GMT', 10_000],
  ['Friday, 20-Nov-26 08:00:10 GMT', 10_000],
  ['Fri, 20 Nov 2026 07:59:00 GMT', 0],
  ['-1', undefined],
  ['soon', undefined],
  ['', undefined],
  ['2026', 2_026_000],
])('Retry-After: %s is %s ms', (header, ms) => {
  expect(retryAfterMs(header, now)).toBe(ms);
});

test('an absent header says nothing, and of several the first one counts', () => {
  expect(retryAfterMs(undefined, now)).toBeUndefined();
  expect(retryAfterMs(['2', '5'], now)).toBe(2000);
});

test('is never negative and never NaN', () => {
  fc.assert(
    fc.property(fc.string(), (header) => {
      const ms = retryAfterMs(header, now);
      expect(ms === undefined || ms >= 0).toBe(true);
    }),
  );
});
