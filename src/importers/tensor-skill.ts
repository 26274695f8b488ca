import type { JsonObject, JsonSchema } from '../contracts/json.ts';
import { ImportError } from './import-error.ts';
import type { Hint, Omission } from './imported-skill.ts';
import { propertyNames } from './names.ts';
import {
  type ElementType,
  isElementType,
  listTensors,
  looksLikeScores,
  namesBytes,
  objectSchema,
  type Tensor,
  tensorSchema,
} from './tensor-schema.ts';

/** An input or an output in the words of its server; the type undefined for a sequence or a map. */
export interface DescribedTensor {
  readonly name: string;
  readonly type: string | undefined;
  /** A number for a fixed dimension, undefined for an open one; empty for a scalar, or where nothing is said. */
  readonly shape: readonly (number | undefined)[];
}

export interface TensorModel {
  readonly inputs: readonly DescribedTensor[];
  readonly outputs: readonly DescribedTensor[];
  /** Brings the server's name of a type to ours; undefined where JSON cannot carry it. */
  readonly typeOf: (type: string) => string | undefined;
  /** Whether the protocol can have texts in base64 (`encoding`). */
  readonly hasBase64: boolean;
}

/** The parts of a definition that follow from the tensors of a model. */
export interface TensorSkill {
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  readonly options: JsonObject;
  /** What goes in and what comes out, for the description. */
  readonly summary: string;
  readonly hints: readonly Hint[];
  readonly omissions: readonly Omission[];
}

/**
 * Makes a skill of a model whose tensors have names, as ONNX and the Open Inference Protocol have them. One call is one
 * example: the batch dimension is left out where the adapters add it and take it away, which is the first one where it
 * is open, or 1 where no input leaves it open.
 *
 * @throws ImportError where the model has an input that JSON cannot carry, or no output that it can
 */
export function tensorSkill(model: TensorModel): TensorSkill {
  const { inputs, outputs, hasBase64 } = model;
  const isOpen = inputs.some(({ shape }) => shape.length > 0 && shape[0] === undefined);
  const isBatch = ({ shape }: DescribedTensor) =>
    shape.length > 0 && (isOpen ? shape[0] === undefined : shape[0] === 1);
  const hasBatch = inputs.some(isBatch);
  const toTensor = (described: DescribedTensor, type: ElementType): Tensor => ({
    name: described.name,
    type: type === 'string' && hasBase64 && namesBytes(described.name) ? 'base64' : type,
    shape: shapeOf(described, hasBatch && isBatch(described)),
  });

  const inputTensors = inputs.map((input) => {
    const type = typeIn(model, input);
    if (type !== undefined) return toTensor(input, type);
    throw new ImportError(
      `The model input ${input.name} is of type ${input.type ?? 'sequence or map'}, which JSON cannot carry.`,
    );
  });
  const carried = outputs.flatMap((output) => {
    const type = typeIn(model, output);
    return type === undefined ? [] : [toTensor(output, type)];
  });
  if (carried.length === 0 && outputs.length > 0) {
    throw new ImportError('The model has no output that JSON can carry.');
  }
  const inputNames = propertyNames(inputTensors);
  const outputNames = propertyNames(carried);
  return {
    inputSchema: schemaOf(inputNames, inputTensors),
    outputSchema: outputs.length === 0 ? { type: 'object' } : schemaOf(outputNames, carried),
    options: {
      ...mappingOption('inputs', inputNames, inputTensors),
      ...mappingOption('outputs', outputNames, carried),
    },
    summary: `Takes ${listTensors(inputNames, inputTensors)}; gives ${listTensors(outputNames, carried)}.`,
    hints: [
      ...inputTensors.flatMap((tensor, index) =>
        batchHints(tensor, inputs[index], inputNames[index], isOpen),
      ),
      ...(outputs.length === 0 ? [outputHint] : []),
      ...carried.filter(looksLikeScores).map(labelHint),
    ],
    omissions: outputs
      .filter((output) => typeIn(model, output) === undefined)
      .map(({ name, type }) => ({
        what: `the output ${name}`,
        reason: `is of type ${type ?? 'sequence or map'}, which JSON cannot carry`,
      })),
  };
}

function typeIn({ typeOf }: TensorModel, { type }: DescribedTensor): ElementType | undefined {
  const known = type === undefined ? undefined : typeOf(type);
  return known !== undefined && isElementType(known) ? known : undefined;
}

function shapeOf({ shape }: DescribedTensor, dropsFirst: boolean): Tensor['shape'] {
  if (shape.length === 0) return undefined;
  return dropsFirst ? shape.slice(1) : shape;
}

function schemaOf(names: readonly string[], tensors: readonly Tensor[]): JsonSchema {
  return objectSchema(
    Object.fromEntries(tensors.map((tensor, index) => [names[index] ?? tensor.name, tensorSchema(tensor)])),
  );
}

/** What has to be said of the tensors whose property has another name, or base64 in it. */
function mappingOption(
  option: 'inputs' | 'outputs',
  names: readonly string[],
  tensors: readonly Tensor[],
): JsonObject {
  const entries = tensors.map(({ name, type }, index): [string, JsonObject | string] => [
    names[index] ?? name,
    type === 'base64' ? { tensor: name, encoding: 'base64' } : name,
  ]);
  const differing = entries.filter(([property, tensor]) => property !== tensor);
  if (differing.length === 0) return {};
  // Outputs that are not named are left out of the answer, so all of them have to be.
  return { [option]: Object.fromEntries(option === 'inputs' ? differing : entries) };
}

/** A list without a fixed length may be one example of many values, or one value of many examples. */
function batchHints(
  tensor: Tensor,
  described: DescribedTensor | undefined,
  property: string | undefined,
  isOpen: boolean,
): Hint[] {
  if (!isOpen || tensor.shape?.length !== 0 || described?.shape.length !== 1) return [];
  return [
    {
      pointer: `/input_schema/properties/${property ?? tensor.name}`,
      text: `The only dimension of ${tensor.name} is open, and taken for the batch. If one example is a whole list, write {"type": "array", "items": …} here.`,
    },
  ];
}

const outputHint: Hint = {
  pointer: '/output_schema',
  text: 'The server does not describe the outputs: call the skill once and write down what comes.',
};

function labelHint({ name }: Tensor): Hint {
  const option = JSON.stringify({ tensor: name, take: 'argmax', labels: ['…'] });
  return {
    pointer: '/endpoint/options/outputs',
    text: `If ${name} holds the scores of classes, name them: "outputs": {"prediction": ${option}}; the output schema then has a string "prediction".`,
  };
}
