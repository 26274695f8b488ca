import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bytesField,
  messageField,
  messagesAt,
  numberField,
  numbersAt,
  packedField,
  readFields,
  textAt,
} from '../../src/lib/protobuf.ts';

describe('a message of Protocol Buffers', () => {
  it('is written as the documentation shows it', () => {
    expect([...numberField(1, 150)]).toEqual([0x08, 0x96, 0x01]);
    expect([...bytesField(2, 'testing')]).toEqual([0x12, 0x07, ...Buffer.from('testing')]);
    expect([...messageField(3, [numberField(1, 150)])]).toEqual([0x1a, 0x03, 0x08, 0x96, 0x01]);
    expect([...packedField(6, [3, 270, 86942])]).toEqual([0x32, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
    expect([...numberField(1, -2)]).toEqual([0x08, 0xfe, ...new Array(8).fill(0xff), 0x01]);
    expect([...numberField(16, true)]).toEqual([0x80, 0x01, 0x01]);
  });

  it('gives back the numbers and the texts that were written', () => {
    const number = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    const field = fc.integer({ min: 1, max: 2 ** 29 - 1 });
    fc.assert(
      fc.property(field, number, fc.string({ unit: 'binary' }), fc.array(number), (at, value, text, list) => {
        const signed = (values: readonly bigint[]) => values.map((each) => BigInt.asIntN(64, each));
        expect(signed(numbersAt(readFields(numberField(at, value)), at))).toEqual([value]);
        expect(signed(numbersAt(readFields(packedField(at, list)), at))).toEqual(list);
        const outer = readFields(messageField(at, [bytesField(at, text)]));
        expect(messagesAt(outer, at).map((inner) => textAt(inner, at))).toEqual([text]);
      }),
    );
  });

  it('passes over what it does not know: floats, and fields of other numbers', () => {
    const fields = readFields(Uint8Array.from([0x0d, 0, 0, 128, 63, 0x11, 1, 2, 3, 4, 5, 6, 7, 8, 0x18, 7]));
    expect(fields).toEqual([
      { field: 1, value: Uint8Array.of(0, 0, 128, 63) },
      { field: 2, value: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
      { field: 3, value: 7n },
    ]);
    expect(textAt(fields, 9)).toBe('');
  });

  it.each([
    [[0x08]],
    [[0x08, 0x80]],
    [[0x12, 0x05, 1]],
    [[0x0d, 1]],
    [[0x0b]],
    [[0x08, ...new Array(11).fill(0x80)]],
  ])('is refused with a RangeError where it is broken: %j', (bytes) => {
    expect(() => readFields(Uint8Array.from(bytes))).toThrow(RangeError);
  });

  it('is read from any bytes, or refused with a RangeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          readFields(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});
