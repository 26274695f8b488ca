import { SkillgateError } from '../../contracts/errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../../contracts/json.ts';
import { escapePointer } from '../../lib/json-shape.ts';
import type { TensorType } from '../shared/elements.ts';
import { joinTensors } from '../shared/tensor-rows.ts';
import { decodeTensor, encodeTensor, type TensorData, type TensorSpec } from '../shared/tensors.ts';

/** A tensor of a signature. */
export interface SignatureTensor {
  readonly name: string;
  /** Undefined for a type that JSON cannot carry. */
  readonly type: TensorType | undefined;
  /** A number for a fixed dimension, text for an open one; undefined where the rank is open. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** What a model takes and gives under one name. */
export interface Signature {
  readonly inputs: readonly SignatureTensor[];
  readonly outputs: readonly SignatureTensor[];
}

/**
 * Makes tensors out of the body that the REST API takes: `instances` (rows) or `inputs` (columns). Over REST the server
 * does this; over gRPC it takes tensors.
 *
 * @throws SkillgateError `invalid_input` where the body does not fit the signature
 */
export function toTensors(body: JsonObject, signature: Signature): Map<string, TensorData> {
  const { instances, inputs } = body;
  if (Array.isArray(instances)) {
    const rows = instances.map((row) => toNamed(row, signature));
    return new Map(
      signature.inputs.map((input) => {
        const spec = toSpec(input, true);
        const tensors = rows.map(
          (row) => encodeTensor(spec, row[input.name] ?? null, pointerTo(input.name)).tensor,
        );
        return [input.name, joinTensors(tensors)];
      }),
    );
  }
  if (inputs === undefined) throw refused('', 'has to have instances or inputs');
  const columns = toNamed(inputs, signature);
  return new Map(
    signature.inputs.map((input) => {
      const value = columns[input.name] ?? null;
      return [input.name, encodeTensor(toSpec(input, false), value, pointerTo(input.name)).tensor];
    }),
  );
}

/**
 * Makes the answer that the REST API would give: `predictions` for rows, `outputs` for columns; an only output stands
 * without its name, and bytes of outputs named `*_bytes` in base64.
 */
export function toAnswer(outputs: ReadonlyMap<string, TensorData>, inRows: boolean): JsonObject {
  const columns = [...outputs].map(([name, tensor]): [string, JsonValue] => [name, columnOf(name, tensor)]);
  const [first] = columns;
  const isOnly = columns.length === 1 && first !== undefined;
  if (!inRows) return { outputs: isOnly ? first[1] : Object.fromEntries(columns) };
  if (isOnly) return { predictions: rowsOf(first[1]) };
  const count = Math.max(0, ...columns.map(([, column]) => rowsOf(column).length));
  const row = (index: number) =>
    Object.fromEntries(columns.map(([name, column]) => [name, rowsOf(column)[index] ?? null]));
  return { predictions: Array.from({ length: count }, (_, index) => row(index)) };
}

function columnOf(name: string, tensor: TensorData): JsonValue {
  const isBytes = tensor.type === 'bytes' && name.endsWith('_bytes');
  return isBytes ? mark(decodeTensor({ ...tensor, type: 'base64' })) : decodeTensor(tensor);
}

function mark(value: JsonValue): JsonValue {
  return Array.isArray(value) ? value.map(mark) : { b64: value };
}

function rowsOf(column: JsonValue): JsonValue[] {
  if (Array.isArray(column)) return column;
  throw new SkillgateError(
    'upstream_error',
    'The model gave an output without a batch dimension; format columnar takes it.',
  );
}

/** A row, or the columns, by the names of the inputs; a bare value is the only input's. */
function toNamed(value: JsonValue, { inputs }: Signature): JsonObject {
  const [only, ...others] = inputs;
  const isMarked = isJsonObject(value) && Object.hasOwn(value, 'b64') && Object.keys(value).length === 1;
  if (!isJsonObject(value) || isMarked) {
    if (only && others.length === 0) return { [only.name]: value };
    throw refused('', `must be an object of ${inputs.map(({ name }) => name).join(', ')}`);
  }
  const names = new Set(inputs.map(({ name }) => name));
  const missing = [...names].find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw refused('', `must have the property "${missing}", which the model takes`);
  const unknown = Object.keys(value).find((name) => !names.has(name));
  if (unknown === undefined) return value;
  throw refused(pointerTo(unknown), `is no input of the model, which takes ${[...names].join(', ')}`);
}

/** What one input takes; in rows without the batch dimension. */
function toSpec({ name, type, shape }: SignatureTensor, inRows: boolean): TensorSpec {
  if (type === undefined) {
    throw new SkillgateError(
      'model_not_ready',
      `The model input "${name}" has a type that JSON cannot carry.`,
      {
        retryable: false,
        mayHaveRun: false,
      },
    );
  }
  return { name, type, shape: (inRows ? shape?.slice(1) : shape) ?? [] };
}

function pointerTo(name: string): string {
  return `/${escapePointer(name)}`;
}

function refused(pointer: string, message: string): SkillgateError {
  return new SkillgateError('invalid_input', `${pointer || 'The input'} ${message}`, {
    faults: [{ pointer, keyword: 'tensor', message }],
    mayHaveRun: false,
  });
}
