import { SkillgateError } from '../../contracts/errors.ts';
import { tensorFromBytes, tensorToBytes } from './tensor-bytes.ts';
import { sizeOf, type TensorData } from './tensors.ts';

/**
 * Puts tensors of one shape together, with a dimension in front that counts them: rows become a batch.
 *
 * @throws SkillgateError `invalid_input` where their shapes differ
 */
export function joinTensors(tensors: readonly TensorData[]): TensorData {
  const [first] = tensors;
  if (first === undefined)
    throw new SkillgateError('invalid_input', 'There is no row.', { mayHaveRun: false });
  const shape = String(first.dims);
  if (tensors.some(({ dims }) => String(dims) !== shape)) {
    throw new SkillgateError('invalid_input', 'The rows of a batch have to be of one shape.', {
      mayHaveRun: false,
    });
  }
  const { type } = first;
  const dims = [tensors.length, ...first.dims];
  if (tensors.length === 1) return { ...first, dims };
  if (Array.isArray(first.data)) {
    return { type, dims, data: tensors.flatMap(({ data }) => (Array.isArray(data) ? [...data] : [])) };
  }
  return tensorFromBytes(type, dims, Buffer.concat(tensors.map(tensorToBytes)));
}

/**
 * Takes a batch apart again.
 *
 * @returns as many tensors as the first dimension counts; undefined where there is none
 */
export function splitTensor({ type, dims, data }: TensorData): TensorData[] | undefined {
  const [count, ...rest] = dims;
  if (count === undefined) return undefined;
  const size = sizeOf(rest);
  return Array.from({ length: count }, (_, row) => ({
    type,
    dims: rest,
    data: data.slice(row * size, (row + 1) * size),
  }));
}
