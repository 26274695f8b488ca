import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromBase64 } from '../../src/lib/base64.ts';

it.each([
  'a',
  'ab=c',
  'QQ=',
  'QQ===',
  '====',
  'a b',
  'QQ==\n',
  'a+_b',
  'é',
  'QQ==QQ==',
  'data:text/plain,hi',
  'data:;base64,Q',
])('refuses %j', (text) => {
  expect(fromBase64(text)).toBeUndefined();
});

it('gives back what was written, in either alphabet, padded or not', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (array) => {
      const bytes = Buffer.from(array);
      for (const text of [bytes.toString('base64'), bytes.toString('base64url')]) {
        expect(fromBase64(`data:image/png;base64,${text}`)).toEqual(bytes);
        expect(fromBase64(text)).toEqual(bytes);
        expect(fromBase64(text.replaceAll('=', ''))).toEqual(bytes);
      }
    }),
  );
});
