import { SkillgateError } from '../../contracts/errors.ts';
import type { JsonObject, JsonValue } from '../../contracts/json.ts';
import { escapePointer } from '../../lib/json-shape.ts';
import { isTensorType, type TensorType } from './elements.ts';
import { type OutputOptions, outputOptions, type TensorOptions } from './output-options.ts';
import { isInteger, isNumeric, reduceTensor } from './reduce.ts';
import { decodeTensor, encodeTensor, type TensorData, type TensorSpec } from './tensors.ts';

/** What a loaded model says of one of its inputs or outputs. */
export interface ModelValue {
  readonly name: string;
  /** The element type of a tensor; undefined for sequences and maps. */
  readonly type: string | undefined;
  /** A number for a fixed dimension, text for one that varies. Empty for a scalar, or where the model does not say. */
  readonly shape: readonly (number | string)[];
}

/** The inputs and outputs of a loaded model. */
export interface ModelSignature {
  readonly inputs: readonly ModelValue[];
  readonly outputs: readonly ModelValue[];
}

/** Tensors by name, as a run takes and gives them. */
export type Tensors = Readonly<Record<string, TensorData>>;

/** The way from a skill's input to a model's tensors, and back. */
export interface TensorMapping {
  /**
   * @throws SkillgateError `invalid_input` where the value does not fit the model
   */
  encode(body: JsonValue): EncodedInput;
  /**
   * @throws SkillgateError `upstream_error` and `invalid_output` where the outputs are not what the definition expects
   */
  decode(outputs: Tensors, batchAdded: boolean): JsonObject;
  /** Whether the model takes several examples at once: all its inputs leave the first dimension open. */
  readonly takesBatches: boolean;
}

export interface EncodedInput {
  readonly tensors: Tensors;
  /** Whether the batch of one was added here, and so has to be taken off the outputs. */
  readonly batchAdded: boolean;
}

/** The model outputs that a definition asks for; undefined for all. */
export function wantedOutputs(options: TensorOptions): readonly string[] | undefined {
  return (
    options.outputs && [
      ...new Set(Object.values(options.outputs).map((option) => outputOptions(option).tensor)),
    ]
  );
}

/** Whether tensors of this type, in the model server's words, can come from JSON and become JSON. */
type Carries = (type: string) => type is TensorType;

/**
 * Brings a definition and its model together.
 *
 * @param carries narrows the types of `elements.ts` where the model's runtime takes fewer
 * @throws Error with a text for people, where the two do not fit
 */
export function mapTensors(
  model: ModelSignature,
  options: TensorOptions,
  carries: Carries = isTensorType,
): TensorMapping {
  const inputs = mapInputs(model, options, carries);
  const outputs = mapOutputs(model, options, carries);
  const openBatch = inputs.some(({ spec }) => typeof spec.shape[0] === 'string');
  /** Where no dimension is open, a first dimension that is fixed to one is the batch. */
  const isBatch = (size: number | string | undefined) => (openBatch ? typeof size === 'string' : size === 1);
  const properties = new Set(inputs.map(({ property }) => property));

  return {
    takesBatches: inputs.every(({ spec }) => typeof spec.shape[0] === 'string'),

    encode(body) {
      const object = propertiesOf(body, properties);
      const tensors: Record<string, TensorData> = {};
      let batchAdded = false;
      let batchGiven = false;
      for (const { property, spec } of inputs) {
        const pointer = `/${escapePointer(property)}`;
        const { tensor, addedDims } = encodeTensor(spec, object[property] ?? null, pointer);
        tensors[spec.name] = tensor;
        if (isBatch(spec.shape[0])) {
          batchAdded ||= addedDims > 0;
          batchGiven ||= addedDims === 0;
        }
      }
      return { tensors, batchAdded: batchAdded && !batchGiven };
    },

    decode(tensors, batchAdded) {
      return Object.fromEntries(
        outputs.map(({ property, spec, options: output }) => {
          const tensor = tensors[spec.name];
          if (!tensor) throw new SkillgateError('upstream_error', `The model gave no output "${spec.name}".`);
          const open = spec.shape.length === 0 || isBatch(spec.shape[0]);
          const ofOne = batchAdded && open && tensor.dims[0] === 1;
          const example = ofOne ? { ...tensor, dims: tensor.dims.slice(1) } : tensor;
          return [property, decodeTensor(reduceTensor(example, output))];
        }),
      );
    },
  };
}

interface MappedInput {
  readonly property: string;
  readonly spec: TensorSpec;
}

interface MappedOutput extends MappedInput {
  readonly options: OutputOptions;
}

function mapInputs(
  model: ModelSignature,
  { inputs: renamed = {} }: TensorOptions,
  carries: Carries,
): readonly MappedInput[] {
  const propertyOf = new Map(Object.entries(renamed).map(([property, tensor]) => [tensor, property]));
  for (const tensor of propertyOf.keys()) findValue(model.inputs, tensor, 'input');
  const mapped = model.inputs.map((value) => ({
    property: propertyOf.get(value.name) ?? value.name,
    spec: carriable(value, 'input', carries),
  }));
  const properties = new Set(mapped.map(({ property }) => property));
  if (propertyOf.size < Object.keys(renamed).length || properties.size < mapped.length) {
    throw new Error('options.inputs has to give every model input a property of its own.');
  }
  return mapped;
}

function mapOutputs(
  model: ModelSignature,
  options: TensorOptions,
  carries: Carries,
): readonly MappedOutput[] {
  // Without options, what JSON cannot carry is left out: scikit-learn models often have a map beside their tensors.
  const wanted: readonly (readonly [string, string | OutputOptions])[] = options.outputs
    ? Object.entries(options.outputs)
    : model.outputs.filter(({ type }) => type && carries(type)).map(({ name }) => [name, name]);
  if (wanted.length === 0 && model.outputs.length > 0)
    throw new Error('The model has no output that JSON can carry.');
  return wanted.map(([property, option]) => {
    const output = outputOptions(option);
    const spec = carriable(findValue(model.outputs, output.tensor, 'output'), 'output', carries);
    if ((output.take || output.softmax) && !isNumeric(spec.type)) {
      throw new Error(
        `The model output "${spec.name}" is of type ${spec.type}, which has no scores to choose from.`,
      );
    }
    if (output.labels && !output.take && !isInteger(spec.type)) {
      throw new Error(
        `The model output "${spec.name}" is of type ${spec.type}; labels need integers or "take".`,
      );
    }
    return { property, spec, options: output };
  });
}

function findValue(values: readonly ModelValue[], name: string, kind: 'input' | 'output'): ModelValue {
  const found = values.find((value) => value.name === name);
  if (found) return found;
  throw new Error(
    `The model has no ${kind} "${name}"; it has ${values.map((value) => value.name).join(', ')}.`,
  );
}

function carriable(
  { name, type, shape }: ModelValue,
  kind: 'input' | 'output',
  carries: Carries,
): TensorSpec {
  if (type === undefined)
    throw new Error(`The model ${kind} "${name}" is no tensor; only tensors can be carried.`);
  if (!carries(type))
    throw new Error(`The model ${kind} "${name}" is of type ${type}, which JSON cannot carry.`);
  return { name, type, shape };
}

/** The value as an object that has exactly the properties that the model takes. */
function propertiesOf(body: JsonValue, properties: ReadonlySet<string>): JsonObject {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    refuse('', 'must be an object of model inputs');
  }
  for (const property of properties) {
    if (!Object.hasOwn(body, property))
      refuse('', `must have the property "${property}", which the model takes`);
  }
  for (const key of Object.keys(body)) {
    if (properties.has(key)) continue;
    refuse(`/${escapePointer(key)}`, `is no input of the model, which takes ${[...properties].join(', ')}`);
  }
  return body;
}

function refuse(pointer: string, message: string): never {
  throw new SkillgateError('invalid_input', `${pointer || 'The input'} ${message}`, {
    faults: [{ pointer, keyword: 'tensor', message }],
    mayHaveRun: false,
  });
}
