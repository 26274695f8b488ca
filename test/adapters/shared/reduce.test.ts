import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reduceTensor } from '../../../src/adapters/shared/reduce.ts';
import type { TensorData } from '../../../src/adapters/shared/tensors.ts';

function scores(dims: readonly number[], ...values: number[]): TensorData {
  return { type: 'float32', dims, data: Float32Array.from(values) };
}

describe('class scores', () => {
  it('leaves a tensor alone that nothing is asked of', () => {
    const tensor = scores([2], 1, 2);
    expect(reduceTensor(tensor, {})).toBe(tensor);
  });

  it('takes the best of each row, and the first of equals', () => {
    const tensor = scores([2, 3], 1, 3, 3, -1, -2, -3);
    expect(reduceTensor(tensor, { take: 'max' })).toMatchObject({ dims: [2], data: Float64Array.of(3, -1) });
    expect(reduceTensor(tensor, { take: 'argmax' })).toMatchObject({ dims: [2], data: Int32Array.of(1, 0) });
  });

  it('makes of one row a scalar', () => {
    expect(reduceTensor(scores([2], 1, 2), { take: 'argmax', labels: ['no', 'yes'] })).toEqual({
      type: 'string',
      dims: [],
      data: ['yes'],
    });
  });

  it('turns logits of any size into probabilities that keep their order', () => {
    fc.assert(
      fc.property(
        fc.float32Array({ minLength: 1, maxLength: 8, noNaN: true, noDefaultInfinity: true }),
        (data) => {
          const { data: shares } = reduceTensor(
            { type: 'float32', dims: [data.length], data },
            { softmax: true },
          );
          const numbers = Array.from<unknown, number>(shares, Number);
          expect(numbers.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
          expect(numbers[data.indexOf(Math.max(...data))]).toBe(Math.max(...numbers));
        },
      ),
    );
  });

  it('reads class indices that are 64-bit integers', () => {
    const tensor: TensorData = { type: 'int64', dims: [2], data: BigInt64Array.of(1n, 0n) };
    expect(reduceTensor(tensor, { labels: ['a', 'b'] }).data).toEqual(['b', 'a']);
  });

  it.each([3n, -1n])('refuses class %s, which has no label', (index) => {
    const tensor: TensorData = { type: 'int64', dims: [1], data: BigInt64Array.of(index) };
    expect(() => reduceTensor(tensor, { labels: ['a', 'b', 'c'] })).toThrow(
      'the definition has labels for 0 to 2',
    );
  });

  it('refuses NaN among the scores rather than choose by it', () => {
    for (const softmax of [false, true]) {
      const act = () => reduceTensor(scores([3], 1, Number.NaN, 2), { take: 'argmax', softmax });
      expect(act).toThrow(expect.objectContaining({ code: 'invalid_output' }));
    }
  });

  it('refuses to choose from nothing', () => {
    expect(() => reduceTensor(scores([0]), { take: 'max' })).toThrow('no scores to choose from');
    expect(() => reduceTensor(scores([], 1), { softmax: true })).toThrow('no scores to choose from');
  });
});
