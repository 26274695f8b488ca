import { SkillgateError } from '../../contracts/errors.ts';
import type { EncodedInput, Tensors } from '../shared/signature.ts';
import { joinTensors, splitTensor } from '../shared/tensor-rows.ts';
import type { NamedTensor } from './server.ts';

/** Rows that go to the model as one. */
export interface JoinedRows extends EncodedInput {
  /** Where the rows stand among all. */
  readonly places: readonly number[];
}

/**
 * Puts rows together whose tensors have the same shapes. A row that came with a batch of its own goes alone.
 *
 * @param rows those that are errors are left out
 * @param takesBatches whether the model takes several examples at once
 */
export function joinRows(
  rows: readonly (EncodedInput | SkillgateError)[],
  takesBatches: boolean,
): JoinedRows[] {
  const groups = new Map<string, [place: number, row: EncodedInput][]>();
  for (const [place, row] of rows.entries()) {
    if (row instanceof SkillgateError) continue;
    const key = takesBatches && row.batchAdded ? shapesOf(row.tensors) : `alone ${place}`;
    groups.set(key, [...(groups.get(key) ?? []), [place, row]]);
  }
  return [...groups.values()].map((group) => {
    const [first] = group;
    const places = group.map(([place]) => place);
    if (first === undefined || group.length === 1)
      return { places, tensors: {}, batchAdded: false, ...first?.[1] };
    const tensors = Object.keys(first[1].tensors).map((name) => {
      const examples = group.flatMap(([, row]) => {
        const tensor = row.tensors[name];
        return tensor ? [{ ...tensor, dims: tensor.dims.slice(1) }] : [];
      });
      return [name, joinTensors(examples)] as const;
    });
    return { places, tensors: Object.fromEntries(tensors), batchAdded: true };
  });
}

function shapesOf(tensors: Tensors): string {
  return Object.entries(tensors)
    .map(([name, { dims }]) => `${name} ${dims.join('×')}`)
    .join(' ');
}

/**
 * Takes the outputs for joined rows apart again, into one list of outputs a row.
 *
 * @throws SkillgateError `upstream_error` where an output has not one part for each row
 */
export function splitOutputs(outputs: readonly NamedTensor[], count: number): NamedTensor[][] {
  if (count === 1) return [[...outputs]];
  const parts = outputs.map(({ name, tensor }) => ({ name, rows: splitTensor(tensor) }));
  const wrong = parts.find(({ rows }) => rows?.length !== count);
  if (wrong) {
    throw new SkillgateError(
      'upstream_error',
      `The model gave no ${count} rows of "${wrong.name}" for as many inputs.`,
    );
  }
  return Array.from({ length: count }, (_, row) =>
    parts.flatMap(({ name, rows }) => {
      const tensor = rows?.[row];
      return tensor ? [{ name, tensor: { ...tensor, dims: [1, ...tensor.dims] } }] : [];
    }),
  );
}
