import { describe, expect, test } from 'vitest';
import { parseModelJson } from '../../../src/adapters/shared/model-json.ts';
import { readAnswer } from '../../../src/adapters/tensorflow-serving/answer.ts';
import { readOptions } from '../../../src/adapters/tensorflow-serving/options.ts';
import type { JsonObject } from '../../../src/contracts/json.ts';
import documented from '../__fixtures__/tensorflow-serving.json' with { type: 'json' };

function read(body: string, options: JsonObject = {}): unknown {
  return readAnswer(parseModelJson(body), readOptions(options));
}

describe('a documented answer:', () => {
  test.each(documented)('$name', ({ body, options, output }) => {
    expect(read(body, options)).toEqual(output);
  });
});

describe('an answer that is not of the protocol', () => {
  test.each<[string, JsonObject]>([
    ['[]', {}],
    ['null', {}],
    ['{}', {}],
    ['{"predictions": []}', {}],
    ['{"predictions": 1}', {}],
    ['{"outputs": [1]}', {}],
    ['{"predictions": [1]}', { format: 'columnar' }],
    ['{"predictions": [1]}', { method: 'classify' }],
    ['{"results": [1]}', { method: 'classify' }],
    ['{"results": [[]]}', { method: 'classify' }],
    ['{"results": [[["fr", "high"]]]}', { method: 'classify' }],
    ['{"results": []}', { method: 'regress' }],
    ['{"predictions": [{"a": 1}]}', { output_name: 'b' }],
    ['{"predictions": [[0.1, 0.2, 0.7]]}', { labels: ['a', 'b'] }],
    ['{"predictions": [["a", "b"]]}', { labels: ['a', 'b'] }],
    ['{"predictions": ["a"]}', { labels: ['a', 'b'] }],
    ['{"predictions": [{"a": [0.1, 0.9]}]}', { labels: ['a', 'b'] }],
  ])('%s with %j is upstream_error', (body, options) => {
    expect(() => read(body, options)).toThrow(
      expect.objectContaining({ code: 'upstream_error', retryable: false }),
    );
  });
});

describe('NaN', () => {
  test('as a prediction is left for the output schema to judge', () => {
    expect(read('{"predictions": [NaN]}')).toEqual({ prediction: Number.NaN });
  });

  test.each([
    ['{"predictions": [[0.1, NaN]]}', { labels: ['a', 'b'] }],
    ['{"predictions": [[NaN]]}', { labels: ['a', 'b'] }],
    ['{"results": [[["a", NaN], ["b", 0.5]]]}', { method: 'classify' }],
  ])('among scores is invalid_output: %s', (body, options) => {
    expect(() => read(body, options)).toThrow(expect.objectContaining({ code: 'invalid_output' }));
  });
});

test('of equal scores the first is the best, and a vocabulary of 300,000 does no harm', () => {
  const labels = Array.from({ length: 300_000 }, (_, index) => `word-${index}`);
  const scores = labels.map((_, index) => (index === 5 || index === 299_999 ? 0.5 : 0));
  expect(read(JSON.stringify({ predictions: [scores] }), { labels })).toEqual({
    prediction: 'word-5',
    confidence: 0.5,
  });
  expect(read('{"predictions": [[-Infinity, -Infinity]]}', { labels: ['a', 'b'] })).toEqual({
    prediction: 'a',
    confidence: Number.NEGATIVE_INFINITY,
  });
});
