import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromBfloat16Bits, roundToBfloat16, toBfloat16Bits } from '../../src/lib/bfloat16.ts';

it.each([
  [1, 1],
  [1.00390625, 1],
  [1.01171875, 1.015625],
  [-1.005859375, -1.0078125],
  [3.3895313892515355e38, 3.3895313892515355e38],
  [3.4e38, Number.POSITIVE_INFINITY],
  [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  [Number.NaN, Number.NaN],
  [-0, -0],
])('rounds %d to %d', (value, rounded) => {
  expect(roundToBfloat16(value)).toBe(rounded);
});

it('gives every bit pattern back, and rounds to the nearest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffff }), fc.float({ noNaN: true }), (bits, value) => {
      const number = fromBfloat16Bits(bits);
      if (!Number.isNaN(number)) {
        expect(toBfloat16Bits(number)).toBe(bits);
        expect(roundToBfloat16(number)).toBe(number);
      }
      const rounded = roundToBfloat16(value);
      if (Number.isFinite(rounded)) {
        expect(Math.abs(rounded - value)).toBeLessThanOrEqual(Math.abs(value) / 256 + 2 ** -134);
      }
    }),
  );
});
