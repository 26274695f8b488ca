import { descriptionHint, type Imported, openDescription } from './imported-skill.ts';
import { skillName } from './names.ts';
import { type DescribedTensor, tensorSkill } from './tensor-skill.ts';

/** What a loaded model says of its inputs and outputs: a text stands for a dimension that varies. */
export interface OnnxSignature {
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

interface OnnxValue {
  readonly name: string;
  readonly type: string | undefined;
  readonly shape: readonly (number | string)[];
}

export interface OnnxFile {
  /** The name of the file, which becomes the name of the skill. */
  readonly fileName: string;
  /** The `file:` URL as the definition is to have it. */
  readonly url: string;
}

/** The types that the gateway's ONNX adapter takes, which has no half-precision ones. */
const carried = /^(?:string|bool|float32|float64|u?int(?:8|16|32|64))$/;

/**
 * Makes a skill of an ONNX file.
 *
 * @throws ImportError where JSON cannot carry its tensors
 */
export function importOnnx({ inputs, outputs }: OnnxSignature, { fileName, url }: OnnxFile): Imported {
  const { inputSchema, outputSchema, options, summary, hints, omissions } = tensorSkill({
    inputs: inputs.map(toDescribed),
    outputs: outputs.map(toDescribed),
    typeOf: (type) => (carried.test(type) ? type : undefined),
    hasBase64: false,
  });
  return {
    skills: [
      {
        definition: {
          name: skillName(fileName),
          description: openDescription(`Runs the model ${fileName}. ${summary}`),
          input_schema: inputSchema,
          output_schema: outputSchema,
          endpoint: { protocol: 'onnx', url, ...(Object.keys(options).length > 0 && { options }) },
        },
        hints: [descriptionHint, ...hints],
      },
    ],
    omissions,
  };
}

function toDescribed({ name, type, shape }: OnnxValue): DescribedTensor {
  return {
    name,
    type,
    shape: shape.map((size) => (typeof size === 'number' && size >= 0 ? size : undefined)),
  };
}
