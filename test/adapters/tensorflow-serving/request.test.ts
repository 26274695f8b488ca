import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readOptions } from '../../../src/adapters/tensorflow-serving/options.ts';
import { requestBody } from '../../../src/adapters/tensorflow-serving/request.ts';
import type { JsonObject, JsonValue } from '../../../src/contracts/json.ts';

function body(input: JsonValue, options: JsonObject = {}): JsonObject {
  return requestBody(input, readOptions(options));
}

const input = { text: 'Bonjour', top: 3 };

describe('the body of a request', () => {
  test.each<[string, JsonObject, JsonObject]>([
    ['one instance with the names of its inputs', {}, { instances: [input] }],
    ['one bare instance', { input_name: 'text' }, { instances: ['Bonjour'] }],
    ['the tensors as columns', { format: 'columnar' }, { inputs: input }],
    ['one bare tensor', { format: 'columnar', input_name: 'text' }, { inputs: 'Bonjour' }],
    ['one example to classify', { method: 'classify' }, { examples: [input] }],
    ['one feature to regress', { method: 'regress', input_name: 'top' }, { examples: [{ top: 3 }] }],
    [
      'for a signature by name',
      { signature_name: 'detect', input_name: 'text' },
      { signature_name: 'detect', instances: ['Bonjour'] },
    ],
    ['null where the input lacks the property', { input_name: 'missing' }, { instances: [null] }],
    ['null where the property is inherited', { input_name: 'constructor' }, { instances: [null] }],
  ])('is %s', (_name, options, expected) => {
    expect(body(input, options)).toEqual(expected);
  });
});

describe('bytes', () => {
  function wrapped(text: JsonValue): JsonValue | undefined {
    return body({ image: text, caption: 'a-_b' }, { bytes: ['image', 'other'], input_name: 'image' })
      .instances;
  }

  test('are marked as base64, and nothing else is', () => {
    expect(body({ image: 'aGk=', caption: 'aGk=' }, { bytes: ['image'] })).toEqual({
      instances: [{ image: { b64: 'aGk=' }, caption: 'aGk=' }],
    });
  });

  test.each([
    ['-_-_', '+/+/'],
    ['aGk', 'aGk='],
    ['aA', 'aA=='],
    ['aA==', 'aA=='],
    ['data:image/png;base64,aGk=', 'aGk='],
    ['', ''],
  ])('%s become %s, the one form that the server reads', (text, standard) => {
    expect(wrapped(text)).toEqual([{ b64: standard }]);
  });

  test('in lists are marked one by one', () => {
    expect(wrapped(['aGk', ['aA']])).toEqual([[{ b64: 'aGk=' }, [{ b64: 'aA==' }]]]);
  });

  test('of any length and alphabet come out as they went in', () => {
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom<BufferEncoding>('base64', 'base64url'),
        (bytes, encoding) => {
          const text = Buffer.from(bytes).toString(encoding);
          expect(wrapped(text)).toEqual([{ b64: Buffer.from(bytes).toString('base64') }]);
        },
      ),
    );
  });

  test('do not change the input', () => {
    const original = { image: 'aGk' };
    body(original, { bytes: ['image'] });
    expect(original).toEqual({ image: 'aGk' });
  });
});
