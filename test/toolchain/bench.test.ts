import { expect, it } from 'vitest';
import { hottestFunctions, hottestParts } from '../../bench/profile.ts';
import { median, percentile, trend } from '../../bench/statistics.ts';

it('takes the middle value, or the mean of the middle two', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

it('takes the value that a share of the values does not exceed', () => {
  const values = Float64Array.from({ length: 200 }, (_, index) => index + 1);
  expect(percentile(values, 0.5)).toBe(100);
  expect(percentile(values, 0.99)).toBe(198);
});

it('finds the slope of a line through its noise', () => {
  expect(trend([0, 1, 2, 3].map((x) => [x, 5 + 0.25 * x]))).toEqual({ slope: 0.25, error: 0 });
  const noisy = trend([0, 1, 2, 3].map((x) => [x, x % 2]));
  expect(noisy.slope).toBeCloseTo(0.2);
  expect(noisy.error).toBeCloseTo(0.2828);
});

it('ranks functions by their own time, leaving idle time out', () => {
  const node = (id: number, functionName: string) => ({
    id,
    callFrame: { functionName, url: 'file:///app/dist/policies/cache.js', lineNumber: 9 },
  });
  const idle = { id: 3, callFrame: { functionName: '(idle)', url: '', lineNumber: -1 } };
  const profile = {
    nodes: [node(1, 'get'), node(2, 'set'), idle],
    samples: [1, 2, 2, 3],
    timeDeltas: [10, 20, 10, 500],
  };
  expect(hottestFunctions(profile, 1)).toEqual([' 75.0 %  set  dist/policies/cache.js:10']);
  expect(hottestParts(profile, 5)).toEqual(['100.0 %  dist/policies']);
});
