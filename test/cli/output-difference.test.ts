import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDifferences } from '../../src/cli/output-difference.ts';
import type { JsonValue } from '../../src/contracts/json.ts';

describe('findDifferences', () => {
  it.each<[JsonValue, JsonValue]>([
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: { b: [{ c: 1 }] } }, { a: { b: [{ c: 1, d: 2 }], e: 3 } }],
    [{}, { a: 1 }],
    [[], []],
    [null, null],
  ])('finds none where %j leaves out what %j has beyond it', (expected, actual) => {
    expect(findDifferences(expected, actual)).toEqual([]);
  });

  it.each<[JsonValue, JsonValue, string[]]>([
    [{ a: 1, b: 2 }, { a: 2 }, ['/a', '/b']],
    [[1, 2], [1], ['']],
    [[{ a: 1 }, { a: 2 }], [{ a: 1 }, { a: 3 }], ['/1/a']],
    [{ score: 0.1 }, { score: 0.1000001 }, ['/score']],
    [{ a: null }, {}, ['/a']],
    [{ a: [] }, { a: {} }, ['/a']],
    [{ constructor: 1 }, {}, ['/constructor']],
    [{ 'a/b': 1 }, {}, ['/a~1b']],
    ['1', 1, ['']],
  ])('finds where %j and %j differ', (expected, actual, pointers) => {
    expect(findDifferences(expected, actual).map(({ pointer }) => pointer)).toEqual(pointers);
  });

  it('finds none between a value and itself', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (generated) => {
        const value: JsonValue = JSON.parse(JSON.stringify(generated));
        expect(findDifferences(value, structuredClone(value))).toEqual([]);
      }),
    );
  });
});
