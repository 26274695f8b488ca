import { isTensorType } from '../shared/elements.ts';
import type { NamedTensor } from '../shared/joined-rows.ts';
import { outputOptions, type TensorOptions } from '../shared/output-options.ts';
import { type ModelSignature, type ModelValue, mapTensors, type TensorMapping } from '../shared/signature.ts';
import { isFixedSize } from '../shared/tensor-bytes.ts';
import { sizeOf } from '../shared/tensors.ts';
import { typeOfDatatype } from './datatypes.ts';
import type { OpenInferenceOptions } from './options.ts';
import type { BinaryUse, ModelDescription, TensorDescription, WantedOutput } from './server.ts';

/** From so many bytes on a tensor is better sent as bytes. */
export const binaryFromBytes = 1024;
/** The size of an element, roughly: it is the dimensions that make a tensor large. */
const bytesPerElement = 4;

/** A model as a definition uses it. */
export interface Model {
  readonly binary: BinaryUse;
  readonly outputs: readonly WantedOutput[];
  /** Whether examples may go together. */
  readonly takesBatches: boolean;
  /** The way from a skill's input to tensors. */
  readonly encode: TensorMapping['encode'];
  /** The way back. */
  decode(outputs: readonly NamedTensor[], batchAdded: boolean): ReturnType<TensorMapping['decode']>;
}

/**
 * Brings a definition and what the server says of its model together.
 *
 * @throws Error with a text for people, where the two do not fit
 */
export function createModel(description: ModelDescription, options: OpenInferenceOptions): Model {
  const inputs = describeInputs(description.inputs, options.inputs);
  const tensorOptions = toTensorOptions(options);
  const base64Outputs = base64Tensors(options);
  const signatureOf = (outputs: readonly TensorDescription[]): ModelSignature => ({
    inputs,
    outputs: outputs.map((output) => toValue(output, base64Outputs.has(output.name))),
  });
  const isDescribed = description.outputs.length > 0;
  // MLServer may describe no outputs: then every answer tells what it has.
  const mapping = mapTensors(
    signatureOf(description.outputs),
    isDescribed ? tensorOptions : { ...tensorOptions, outputs: undefined },
  );

  return {
    binary: binaryUse(description.takesBinary, options),
    outputs: wantedOutputs(description.outputs, tensorOptions, base64Outputs),
    takesBatches: mapping.takesBatches,
    encode: mapping.encode,
    decode(outputs, batchAdded) {
      const tensors = Object.fromEntries(
        outputs.map(({ name, tensor }) => [
          name,
          tensor.type === 'text' && base64Outputs.has(name) ? { ...tensor, type: 'base64' as const } : tensor,
        ]),
      );
      if (isDescribed) return mapping.decode(tensors, batchAdded);
      const values = outputs.map(({ name, tensor: { type } }) => ({ name, type, shape: [] }));
      return mapTensors({ inputs, outputs: values }, tensorOptions).decode(tensors, batchAdded);
    },
  };
}

function binaryUse(takesBinary: boolean, { binary }: OpenInferenceOptions): BinaryUse {
  if (binary === 'always') return 'all';
  return takesBinary && binary !== 'never' ? 'large' : 'none';
}

type InputOptions = OpenInferenceOptions['inputs'];

/** The inputs as the server describes them, and over that as the definition does. */
function describeInputs(described: readonly TensorDescription[], options: InputOptions): ModelValue[] {
  const inputs = new Map(described.map((input) => [input.name, toValue(input, false)]));
  for (const [property, option] of Object.entries(options)) {
    if (typeof option === 'string') continue;
    const { tensor: name = property, datatype, shape, encoding } = option;
    const known = inputs.get(name);
    // A server that describes some inputs describes all: a name that is not among them is a mistake.
    if (known === undefined && described.length > 0) continue;
    const type = datatype === undefined ? known?.type : typeOfDatatype(datatype);
    if (type === undefined) {
      throw new Error(
        `The server does not describe the input "${name}": options.inputs has to give its datatype.`,
      );
    }
    inputs.set(name, {
      name,
      type: type === 'text' && encoding === 'base64' ? 'base64' : type,
      shape: shape === undefined ? (known?.shape ?? []) : toShape(shape),
    });
  }
  if (inputs.size === 0) {
    throw new Error(
      'The server describes no inputs of the model: options.inputs has to, with their datatypes.',
    );
  }
  return [...inputs.values()];
}

function toTensorOptions({ inputs, outputs }: OpenInferenceOptions): TensorOptions {
  const renamed = Object.entries(inputs).map(([property, option]): [string, string] => [
    property,
    typeof option === 'string' ? option : (option.tensor ?? property),
  ]);
  return { inputs: Object.fromEntries(renamed), outputs };
}

function base64Tensors({ outputs = {} }: OpenInferenceOptions): ReadonlySet<string> {
  return new Set(
    Object.values(outputs).flatMap((option) =>
      typeof option !== 'string' && option.encoding === 'base64' ? [option.tensor] : [],
    ),
  );
}

function wantedOutputs(
  described: readonly TensorDescription[],
  { outputs }: TensorOptions,
  base64Outputs: ReadonlySet<string>,
): WantedOutput[] {
  const chosen = outputs && Object.values(outputs).map((option) => outputOptions(option).tensor);
  const names = new Set(chosen ?? described.map(({ name }) => name));
  return [...names].map((name) => {
    const output = described.find((candidate) => candidate.name === name);
    return { name, binary: base64Outputs.has(name) || (output !== undefined && isLarge(output)) };
  });
}

/** Whether an output is likely to be large, one example of it; or cannot be written as JSON at all. */
function isLarge({ datatype, shape }: TensorDescription): boolean {
  const type = typeOfDatatype(datatype);
  if (type === 'float16' || type === 'bfloat16') return true;
  const elements = sizeOf(shape.filter((size) => size > 0));
  return isTensorType(type) && isFixedSize(type) && elements * bytesPerElement >= binaryFromBytes;
}

function toValue({ name, datatype, shape }: TensorDescription, isBase64: boolean): ModelValue {
  const type = typeOfDatatype(datatype);
  return { name, type: type === 'text' && isBase64 ? 'base64' : type, shape: toShape(shape) };
}

function toShape(shape: readonly number[]): (number | string)[] {
  return shape.map((size) => (size < 0 ? '' : size));
}
