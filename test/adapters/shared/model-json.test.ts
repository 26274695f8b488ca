import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseModelJson } from '../../../src/adapters/shared/model-json.ts';

describe('JSON as it should be', () => {
  test('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: 'grapheme' }), (text) => {
        // Long integers are another matter, see below.
        fc.pre(!/(?<![\d.])\d{16,}(?![\d.e])/.test(text));
        expect(parseModelJson(text)).toStrictEqual(JSON.parse(text));
      }),
    );
  });

  test('a decimal fraction of many digits stays a number', () => {
    expect(parseModelJson('{"confidence": 0.98765432109876543}')).toEqual({ confidence: 0.9876543210987654 });
    expect(parseModelJson('[1234567890123456789e2, 12345678901234567.5]')).toEqual([
      1.2345678901234568e20, 12345678901234568,
    ]);
  });
});

describe('words that JSON does not have', () => {
  test('NaN and the infinities become what they name', () => {
    expect(parseModelJson('{"predictions": [NaN, Infinity, -Infinity, 1.5]}')).toEqual({
      predictions: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1.5],
    });
    expect(parseModelJson('NaN')).toBeNaN();
    expect(parseModelJson(' -Infinity ')).toBe(Number.NEGATIVE_INFINITY);
    expect(parseModelJson('[\n NaN\n]')).toEqual([Number.NaN]);
  });

  test('in strings they stay text, also beside quotes and backslashes', () => {
    const text = String.raw`{"a": "NaN, Infinity", "\"NaN\\": "\\", "b": NaN, "c\\\"": [-Infinity, "[NaN]"]}`;
    expect(parseModelJson(text)).toEqual({
      a: 'NaN, Infinity',
      '"NaN\\': '\\',
      b: Number.NaN,
      'c\\"': [Number.NEGATIVE_INFINITY, '[NaN]'],
    });
  });

  test('a number that looks like what stands for NaN inside stays a number', () => {
    expect(parseModelJson('[-0e00, NaN, -0e000]')).toEqual([-0, Number.NaN, -0]);
  });

  test.each([
    '-NaN',
    'NaNs',
    '1NaN',
    'NaN5',
    '+Infinity',
    '1Infinity',
    '--Infinity',
    'nan',
    'inf',
    '[NaN NaN]',
    '{NaN: 1}',
  ])('%s is not taken', (text) => {
    expect(() => parseModelJson(text)).toThrow(SyntaxError);
  });

  test('any value comes back that is written with them', () => {
    const leaf = fc.oneof(
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
      fc.double().filter((number) => !/\d{16}/.test(String(number))),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('NaN', '"NaN"', '\\', '\\"', ', NaN', '[-Infinity]'),
      fc.boolean(),
      fc.constant(null),
    );
    const { value } = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('value')),
        // No key that holds a backslash: once V8 14.6 has met one, it takes a later escape for it.
        fc.dictionary(fc.constantFrom('a', 'NaN', '"', '\n', 'Infinity,'), tie('value')),
      ),
    }));
    fc.assert(
      fc.property(value, (original) => {
        expect(parseModelJson(write(original))).toEqual(original);
      }),
    );
  });
});

/** Writes a value as TensorFlow Serving does. */
function write(value: unknown): string {
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, member]) => `${JSON.stringify(key)}: ${write(member)}`)
    .join(', ')}}`;
}

describe('long integers', () => {
  test('within 2^53 are numbers, beyond it the string of their digits', () => {
    expect(
      parseModelJson('[9007199254740991, -9007199254740991, 9007199254740992, -9223372036854775808]'),
    ).toEqual([9007199254740991, -9007199254740991, '9007199254740992', '-9223372036854775808']);
    expect(parseModelJson('18446744073709551615')).toBe('18446744073709551615');
    expect(parseModelJson('{"id":12345678901234567890}')).toEqual({ id: '12345678901234567890' });
    expect(parseModelJson('[NaN, 12345678901234567890]')).toEqual([Number.NaN, '12345678901234567890']);
  });

  test('no integer is changed', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })), (integers) => {
        const parsed = parseModelJson(`[${integers.join(',')}]`);
        expect(parsed).toEqual(
          integers.map((integer) =>
            Number.isSafeInteger(Number(integer)) ? Number(integer) : String(integer),
          ),
        );
      }),
    );
  });

  test('digits in a string are left alone', () => {
    expect(parseModelJson('{"a": "1, 12345678901234567890", "b": 1}')).toEqual({
      a: '1, 12345678901234567890',
      b: 1,
    });
  });
});

describe('broken text', () => {
  test.each(['', '{"prediction": "a', '<html>', '{"a": NaN', '"NaN', '[1,]', '{"a": Infinity, "b": "x\\'])(
    '%j is a SyntaxError',
    (text) => {
      expect(() => parseModelJson(text)).toThrow(SyntaxError);
    },
  );

  test('a leading byte order mark is skipped', () => {
    expect(parseModelJson('\uFEFF{"a": 1}')).toEqual({ a: 1 });
  });

  test('anything at all is either read or refused, never another error', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]",:\\NaInfity-10e. ') }), (text) => {
        try {
          parseModelJson(text);
        } catch (error) {
          expect(error).toBeInstanceOf(SyntaxError);
        }
      }),
    );
  });

  test('a megabyte of quotes and backslashes takes no longer than it should', () => {
    const started = performance.now();
    expect(() => parseModelJson(`["${'\\"'.repeat(500_000)}`)).toThrow(SyntaxError);
    expect(() => parseModelJson(`"${'\\'.repeat(1_000_000)}`)).toThrow(SyntaxError);
    expect(performance.now() - started).toBeLessThan(1000);
  });
});
