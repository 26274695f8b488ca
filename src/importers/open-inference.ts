import type { JsonObject, JsonValue } from '../contracts/json.ts';
import { descriptionHint, type Hint, type Imported, openDescription } from './imported-skill.ts';
import { listAt, memberAt, textAt } from './json.ts';
import { skillName } from './names.ts';
import { type DescribedTensor, tensorSkill } from './tensor-skill.ts';

/** Where a model is, as the definition is to have it. */
export interface ServedModel {
  /** The server, without a path to the model. */
  readonly url: string;
  readonly model: string;
  readonly version?: string | undefined;
}

/** The datatypes of the protocol, and what they are here. */
const types: ReadonlyMap<string, string> = new Map([
  ['BOOL', 'bool'],
  ['UINT8', 'uint8'],
  ['UINT16', 'uint16'],
  ['UINT32', 'uint32'],
  ['UINT64', 'uint64'],
  ['INT8', 'int8'],
  ['INT16', 'int16'],
  ['INT32', 'int32'],
  ['INT64', 'int64'],
  ['FP16', 'float16'],
  ['FP32', 'float32'],
  ['FP64', 'float64'],
  ['BF16', 'bfloat16'],
  ['BYTES', 'string'],
]);

/**
 * What MLServer's runtimes for tables (scikit-learn, XGBoost, LightGBM) take, whose metadata is empty unless somebody
 * wrote it: any one tensor of two dimensions.
 */
const table = { name: 'features', tensor: 'input-0', datatype: 'FP32', shape: [-1, -1] };

/**
 * Makes a skill of a model's metadata (Open Inference Protocol V2, `GET /v2/models/M`).
 *
 * @throws ImportError where JSON cannot carry its tensors
 */
export function importOpenInference(metadata: JsonValue, { url, model, version }: ServedModel): Imported {
  const described = listAt(metadata, 'inputs').flatMap(readTensor);
  const isDescribed = described.length > 0;
  const inputs = isDescribed
    ? described
    : [{ ...table, type: table.datatype, shape: [undefined, undefined] }];
  const { inputSchema, outputSchema, options, summary, hints, omissions } = tensorSkill({
    inputs,
    outputs: listAt(metadata, 'outputs').flatMap(readTensor),
    typeOf: (type) => types.get(type),
    hasBase64: true,
  });
  const platform = textAt(metadata, 'platform');
  const allOptions = isDescribed ? options : { ...options, inputs: guessedInputs };
  const endpoint: JsonObject & { url: string } = {
    protocol: 'open-inference',
    url,
    model,
    ...(version !== undefined && { model_version: version }),
    ...(Object.keys(allOptions).length > 0 && { options: allOptions }),
  };
  return {
    skills: [
      {
        definition: {
          name: skillName(model),
          description: openDescription(
            `Runs the model ${model}${platform ? ` (${platform})` : ''}. ${summary}`,
          ),
          input_schema: inputSchema,
          output_schema: outputSchema,
          endpoint,
        },
        hints: [descriptionHint, ...(isDescribed ? [] : [guessHint]), ...hints],
      },
    ],
    omissions,
  };
}

const { name: tableName, ...tableOption } = table;
const guessedInputs: JsonObject = { [tableName]: tableOption };

const guessHint: Hint = {
  pointer: `/endpoint/options/inputs/${tableName}`,
  text: 'The server does not describe the inputs. This is what models of tables take (scikit-learn, XGBoost); write the name, the datatype and the shape that yours takes, and the same in /input_schema.',
};

function readTensor(entry: JsonValue): DescribedTensor[] {
  const name = memberAt(entry, 'name');
  const type = memberAt(entry, 'datatype');
  if (typeof name !== 'string' || name === '' || typeof type !== 'string') return [];
  return [{ name, type, shape: listAt(entry, 'shape').map(readSize) }];
}

/** -1 is a dimension that varies. Servers write sizes as numbers, or as texts, as int64 is in protobuf's JSON. */
function readSize(size: JsonValue): number | undefined {
  const number = Number(size);
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
