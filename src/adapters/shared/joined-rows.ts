import type { RowResult } from '../../contracts/adapter.ts';
import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonValue } from '../../contracts/json.ts';
import { eachRow } from './rows.ts';
import type { EncodedInput, Tensors } from './signature.ts';
import { joinTensors, splitTensor } from './tensor-rows.ts';
import type { TensorData } from './tensors.ts';

/** A tensor under its name in the model. */
export interface NamedTensor {
  readonly name: string;
  readonly tensor: TensorData;
}

/** Rows that go to the model as one. */
interface JoinedRows extends EncodedInput {
  /** Where the rows stand among all. */
  readonly places: readonly number[];
}

/**
 * Puts rows together whose tensors have the same shapes. A row that came with a batch of its own goes alone.
 *
 * @param rows those that are errors are left out
 * @param takesBatches whether the model takes several examples at once
 */
function joinRows(rows: readonly (EncodedInput | SkillgateError)[], takesBatches: boolean): JoinedRows[] {
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
function splitOutputs(outputs: readonly NamedTensor[], count: number): NamedTensor[][] {
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

/** A model as it takes one input after the other, and several that were put together. */
export interface RowModel {
  /** Makes tensors of one input. */
  encode(input: JsonValue): EncodedInput | Promise<EncodedInput>;
  run(tensors: Tensors): Promise<readonly NamedTensor[]>;
  /** Makes the output for an input of its tensors. */
  decode(
    outputs: readonly NamedTensor[],
    batchAdded: boolean,
    input: JsonValue,
  ): JsonValue | Promise<JsonValue>;
  /** Whether the model takes several examples at once. */
  readonly takesBatches: boolean;
}

/**
 * Runs a model on the rows of a batch: as one where they fit together, and else side by side.
 *
 * @returns in the order of the inputs
 * @throws what a run throws
 */
export async function inferRows(inputs: readonly JsonValue[], model: RowModel): Promise<RowResult[]> {
  const rows = await eachRow(inputs, (input) => model.encode(input));
  const results: RowResult[] = rows.map((row) => (row instanceof SkillgateError ? row : null));
  await Promise.all(
    joinRows(rows, model.takesBatches).map(async ({ places, tensors, batchAdded }) => {
      const answers = splitOutputs(await model.run(tensors), places.length);
      const outputs = await eachRow(places, (place, index) =>
        model.decode(answers[index] ?? [], batchAdded, inputs[place] ?? null),
      );
      for (const [index, place] of places.entries()) results[place] = outputs[index] ?? null;
    }),
  );
  return results;
}
