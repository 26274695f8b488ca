import { SkillgateError } from '../../contracts/errors.ts';
import type { TensorType } from './elements.ts';
import type { OutputOptions } from './output-options.ts';
import type { TensorData } from './tensors.ts';

const integerTypes: ReadonlySet<TensorType> = new Set([
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
]);

const floatTypes: ReadonlySet<TensorType> = new Set(['float16', 'bfloat16', 'float32', 'float64']);

/** Whether the class scores of a tensor can be compared. */
export function isNumeric(type: TensorType): boolean {
  return integerTypes.has(type) || floatTypes.has(type);
}

/** Whether the elements of a tensor can be the indices of labels. */
export function isInteger(type: TensorType): boolean {
  return integerTypes.has(type);
}

/**
 * Turns class scores into what the definition asks of them, one row (the last dimension) at a time: the best score or
 * its index, after a softmax if it says so, and the labels of indices.
 *
 * @throws SkillgateError `invalid_output` for NaN among the scores, `upstream_error` for a class without a label
 */
export function reduceTensor(
  tensor: TensorData,
  { take, softmax, labels }: Omit<OutputOptions, 'tensor'>,
): TensorData {
  const scores = softmax ? softmaxRows(tensor) : tensor;
  const taken = take ? takeFromRows(scores, take) : scores;
  return labels ? nameClasses(taken, labels) : taken;
}

/** Softmax over the last dimension; the row's maximum is subtracted first, so that no exponential overflows. */
function softmaxRows({ dims, data }: TensorData): TensorData {
  const shares = Float64Array.from(data, Number);
  const width = rowWidth(dims);
  for (let start = 0; start < shares.length; start += width) {
    const row = shares.subarray(start, start + width);
    const max = row.reduce((left, right) => Math.max(left, right));
    const exponentials = row.map((score) => Math.exp(score - max));
    const sum = exponentials.reduce((left, right) => left + right);
    row.set(exponentials.map((exponential) => exponential / sum));
  }
  return { type: 'float64', dims, data: shares };
}

function takeFromRows({ dims, data }: TensorData, take: 'max' | 'argmax'): TensorData {
  const width = rowWidth(dims);
  const rowDims = dims.slice(0, -1);
  const rows = rowDims.reduce((left, right) => left * right, 1);
  const best = new Float64Array(rows);
  const indices = new Int32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    let max = Number(data[row * width]);
    for (let index = 0; index < width; index += 1) {
      const score = Number(data[row * width + index]);
      if (Number.isNaN(score))
        throw new SkillgateError('invalid_output', 'The model gave NaN as the score of a class.');
      if (score > max) {
        max = score;
        indices[row] = index;
      }
    }
    best[row] = max;
  }
  return take === 'max'
    ? { type: 'float64', dims: rowDims, data: best }
    : { type: 'int32', dims: rowDims, data: indices };
}

function nameClasses({ dims, data }: TensorData, labels: readonly string[]): TensorData {
  const names = Array.from<unknown, string>(data, (index) => {
    const label = labels[Number(index)];
    if (label !== undefined) return label;
    throw new SkillgateError(
      'upstream_error',
      `The model answered class ${String(index)}, and the definition has labels for 0 to ${labels.length - 1}.`,
    );
  });
  return { type: 'string', dims, data: names };
}

function rowWidth(dims: readonly number[]): number {
  const width = dims.at(-1);
  if (width) return width;
  throw new SkillgateError('upstream_error', 'The model gave no scores to choose from.');
}
