import fc from 'fast-check';
import { expect, it } from 'vitest';
import { timeOrderedId } from '../../src/lib/time-ordered-id.ts';

it('is a UUIDv7 that begins with the time', () => {
  const inAFarYear = Date.UTC(2100, 0, 1);
  const id = timeOrderedId(inAFarYear);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(inAFarYear);
});

it('sorts in the order of making, whatever the clock does', () => {
  let last = '';
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 47 }), { minLength: 1 }), (times) => {
      for (const time of times) {
        const id = timeOrderedId(time);
        expect(id > last).toBe(true);
        last = id;
      }
    }),
  );
});

it('sorts also when there are more in a millisecond than its counter holds', () => {
  const ids = Array.from({ length: 10_000 }, () => timeOrderedId(1));
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(ids.length);
});
