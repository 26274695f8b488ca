import type { JsonObject, JsonSchema, JsonValue } from '../contracts/json.ts';
import { ImportError } from './import-error.ts';
import {
  descriptionHint,
  type Hint,
  type Imported,
  type ImportedSkill,
  type Omission,
  oddNameHint,
  openDescription,
} from './imported-skill.ts';
import { entriesOf, listAt, memberAt, textAt } from './json.ts';
import { propertyName, skillName } from './names.ts';
import type { ServedModel } from './open-inference.ts';
import {
  type ElementType,
  elementSchema,
  listTensors,
  looksLikeScores,
  namesBytes,
  objectSchema,
  type Tensor,
  tensorSchema,
} from './tensor-schema.ts';

const defaultSignature = 'serving_default';

/** The types of TensorFlow that its REST API can carry. */
const types: ReadonlyMap<string, ElementType> = new Map([
  ['DT_BOOL', 'bool'],
  ['DT_INT8', 'int8'],
  ['DT_INT16', 'int16'],
  ['DT_INT32', 'int32'],
  ['DT_INT64', 'int64'],
  ['DT_UINT8', 'uint8'],
  ['DT_UINT16', 'uint16'],
  ['DT_UINT32', 'uint32'],
  ['DT_UINT64', 'uint64'],
  ['DT_HALF', 'float16'],
  ['DT_BFLOAT16', 'bfloat16'],
  ['DT_FLOAT', 'float32'],
  ['DT_DOUBLE', 'float64'],
  ['DT_STRING', 'string'],
]);

/**
 * Makes a skill of every signature of a model (TensorFlow Serving, RESTful API: `GET /v1/models/M/metadata`).
 *
 * @throws ImportError where the metadata has no signature that can be called
 */
export function importTensorflowServing(metadata: JsonValue, served: ServedModel): Imported {
  const signatures = entriesOf(memberAt(metadata, 'metadata', 'signature_def', 'signature_def')).filter(
    ([name]) => !name.startsWith('__'),
  );
  if (signatures.length === 0) {
    throw new ImportError(`The metadata of ${served.model} has no signature that can be called.`);
  }
  const skills: ImportedSkill[] = [];
  const omissions: Omission[] = [];
  for (const [name, signature] of signatures) {
    const skill = importSignature(name, signature, served);
    if (typeof skill === 'string') omissions.push({ what: `the signature ${name}`, reason: skill });
    else skills.push(skill);
  }
  return { skills, omissions };
}

/** @returns the skill, or why there is none, as the rest of a sentence */
function importSignature(
  signatureName: string,
  signature: JsonValue,
  { url, model, version }: ServedModel,
): ImportedSkill | string {
  const inputs = readTensors(memberAt(signature, 'inputs'));
  const outputs = readTensors(memberAt(signature, 'outputs'));
  const foreign = [...inputs, ...outputs].find((tensor) => 'foreign' in tensor);
  if (foreign && 'foreign' in foreign)
    return `has ${foreign.name} of type ${foreign.foreign}, which JSON cannot carry`;
  const known = { inputs: inputs.filter(isTensor), outputs: outputs.filter(isTensor) };
  const method =
    /(?:predict|classify|regress)$/.exec(textAt(signature, 'method_name') ?? '')?.[0] ?? 'predict';
  const { inputSchema, outputSchema, options, summary, hints } =
    method === 'predict' ? predictSkill(known) : exampleSkill(method);
  const isDefault = signatureName === defaultSignature;
  const allOptions = { ...(!isDefault && { signature_name: signatureName }), ...options };
  return {
    definition: {
      name: skillName(isDefault ? model : `${model}_${signatureName}`.replaceAll('/', '_')),
      description: openDescription(
        `Runs the model ${model}${isDefault ? '' : `, signature ${signatureName}`}. ${summary}`,
      ),
      input_schema: inputSchema,
      output_schema: outputSchema,
      endpoint: {
        protocol: 'tensorflow-serving',
        url,
        model,
        ...(version !== undefined && { model_version: version }),
        ...(Object.keys(allOptions).length > 0 && { options: allOptions }),
      },
    },
    hints: [descriptionHint, ...hints],
  };
}

interface Mapped {
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  readonly options: JsonObject;
  readonly summary: string;
  readonly hints: readonly Hint[];
}

interface Tensors {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

/** A call is one row where every tensor has a batch dimension; else the tensors as they are. */
function predictSkill({ inputs, outputs }: Tensors): Mapped {
  const inRows = [...inputs, ...outputs].every(hasOpenBatch);
  const toRow = (tensor: Tensor): Tensor =>
    inRows && tensor.shape ? { ...tensor, shape: tensor.shape.slice(1) } : tensor;
  const rows = { inputs: inputs.map(toRow).map(withBytes), outputs: outputs.map(toRow).map(withBytes) };
  const [onlyInput, ...otherInputs] = rows.inputs;
  const [onlyOutput, ...otherOutputs] = rows.outputs;
  // The server takes an only input without its name, so that this one may have another.
  const inputName = onlyInput && otherInputs.length === 0 ? propertyName(onlyInput.name) : undefined;
  const inputNames = inputName === undefined ? rows.inputs.map(({ name }) => name) : [inputName];
  const outputName = onlyOutput && otherOutputs.length === 0 ? propertyName(onlyOutput.name) : undefined;
  const outputNames = outputName === undefined ? rows.outputs.map(({ name }) => name) : [outputName];
  const bytes = rows.inputs.flatMap(({ type }, index) =>
    type === 'base64' ? [inputNames[index] ?? ''] : [],
  );
  const odd = [...inputNames, ...outputNames].filter((name) => propertyName(name) !== name);
  return {
    inputSchema: schemaOf(inputNames, rows.inputs, requestElement),
    outputSchema: schemaOf(outputNames, rows.outputs),
    options: {
      ...(!inRows && { format: 'columnar' }),
      ...(inputName !== undefined && { input_name: inputName }),
      ...(outputName !== undefined && { output_name: outputName }),
      ...(bytes.length > 0 && { bytes }),
    },
    summary: `Takes ${listTensors(inputNames, rows.inputs)}; gives ${listTensors(outputNames, rows.outputs)}.`,
    hints: [
      ...rows.outputs.filter(looksLikeScores).map((tensor) => labelHint(tensor, outputName === undefined)),
      ...odd.map(oddNameHint),
    ],
  };
}

/** classify and regress take features by name, which the metadata of the model does not tell. */
function exampleSkill(method: string): Mapped {
  const isClassify = method === 'classify';
  const prediction: JsonSchema = isClassify ? { type: 'string' } : { type: 'number' };
  return {
    inputSchema: { type: 'object', minProperties: 1, description: 'The features of one example, by name.' },
    outputSchema: objectSchema({ prediction, ...(isClassify && { confidence: { type: 'number' } }) }),
    options: { method },
    summary: isClassify ? 'Classifies one example.' : 'Gives one number for one example.',
    hints: [
      {
        pointer: '/input_schema/properties',
        text: `A signature for ${method} takes tf.Example features, of which the metadata tells nothing: name them, with their types.`,
      },
    ],
  };
}

function readTensors(
  map: JsonValue | undefined,
): (Tensor | { readonly name: string; readonly foreign: string })[] {
  return entriesOf(map).map(([name, info]) => {
    const dtype = textAt(info, 'dtype') ?? 'unknown';
    const type = types.get(dtype);
    return type === undefined
      ? { name, foreign: dtype }
      : { name, type, shape: readShape(memberAt(info, 'tensor_shape')) };
  });
}

function isTensor(tensor: Tensor | { readonly foreign: string }): tensor is Tensor {
  return !('foreign' in tensor);
}

/** Sizes are int64, which protobuf writes as texts; -1 is one that varies. */
function readShape(shape: JsonValue | undefined): Tensor['shape'] {
  if (shape === undefined || memberAt(shape, 'unknown_rank') === true) return undefined;
  return listAt(shape, 'dim').map((dim) => {
    const size = Number(memberAt(dim, 'size') ?? -1);
    return Number.isSafeInteger(size) && size >= 0 ? size : undefined;
  });
}

/** Whether the first dimension is open, or may be where the rank is. */
function hasOpenBatch({ shape }: Tensor): boolean {
  return shape === undefined || (shape.length > 0 && shape[0] === undefined);
}

function withBytes(tensor: Tensor): Tensor {
  return tensor.type === 'string' && namesBytes(tensor.name) ? { ...tensor, type: 'base64' } : tensor;
}

/** The server takes wide integers as JSON numbers only, which are exact up to 2^53. */
function requestElement({ type }: Tensor): JsonSchema {
  const max = Number.MAX_SAFE_INTEGER;
  if (type === 'int64') return { type: 'integer', minimum: -max, maximum: max };
  if (type === 'uint64') return { type: 'integer', minimum: 0, maximum: max };
  return elementSchema(type);
}

function schemaOf(
  names: readonly string[],
  tensors: readonly Tensor[],
  element: (tensor: Tensor) => JsonSchema = ({ type }) => elementSchema(type),
): JsonSchema {
  return objectSchema(
    Object.fromEntries(
      tensors.map((tensor, index) => [names[index] ?? tensor.name, tensorSchema(tensor, element(tensor))]),
    ),
  );
}

function labelHint({ name }: Tensor, isOneOfSeveral: boolean): Hint {
  const output = isOneOfSeveral ? `"output_name": ${JSON.stringify(name)}, ` : '';
  return {
    pointer: '/endpoint/options/labels',
    text: `If ${name} holds the scores of classes, name them: ${output}"labels": ["…"]; the output is then {prediction, confidence}, in /output_schema too.`,
  };
}
