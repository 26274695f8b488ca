import type { JsonSchema } from '../../contracts/json.ts';

/** JSON Schema of `endpoint.options` for `tensorflow-serving`. */
export const optionsSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    method: {
      type: 'string',
      enum: ['predict', 'classify', 'regress'],
      default: 'predict',
      description: 'The method of the REST API. classify and regress take tf.Example features.',
    },
    format: {
      type: 'string',
      enum: ['row', 'columnar'],
      default: 'row',
      description:
        'row: the input is one example, and the batch dimension is added and taken away. columnar: the input holds the tensors as they are, batch dimension included.',
    },
    signature_name: {
      type: 'string',
      minLength: 1,
      description: 'The signature to call; without it serving_default.',
    },
    version_label: {
      type: 'string',
      minLength: 1,
      pattern: '^[^/:]+$',
      description: 'The label of the version to call, such as stable, in place of endpoint.model_version.',
    },
    input_name: {
      type: 'string',
      minLength: 1,
      description:
        'Sends just this property of the input, without its name, to a signature with one input. With classify and regress, sends just this feature.',
    },
    output_name: {
      type: 'string',
      minLength: 1,
      description:
        'The output to take, of a signature with several. The server leaves out the name of an only output: this is the name under which it is answered, or else prediction.',
    },
    labels: {
      type: 'array',
      items: { type: 'string' },
      minItems: 2,
      description:
        'The names of the classes, in the order of the model. The scores become {prediction, confidence}: the best class and its score. One score for two labels is the probability of the second.',
    },
    bytes: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      uniqueItems: true,
      description:
        'Properties of the input that hold bytes in base64, such as an image; the URL-safe alphabet and data: URLs are taken too.',
    },
  },
};

/** `endpoint.options`, as the schema lets them be. */
export interface Options {
  readonly method: 'predict' | 'classify' | 'regress';
  readonly format: 'row' | 'columnar';
  readonly signatureName: string | undefined;
  readonly versionLabel: string | undefined;
  readonly inputName: string | undefined;
  readonly outputName: string | undefined;
  readonly labels: readonly string[] | undefined;
  readonly bytes: readonly string[];
}

/** Gives checked options their types. */
export function readOptions(options: Readonly<Record<string, unknown>>): Options {
  const { method, format } = options;
  return {
    method: method === 'classify' || method === 'regress' ? method : 'predict',
    format: format === 'columnar' ? format : 'row',
    signatureName: text(options.signature_name),
    versionLabel: text(options.version_label),
    inputName: text(options.input_name),
    outputName: text(options.output_name),
    labels: texts(options.labels),
    bytes: texts(options.bytes) ?? [],
  };
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function texts(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : undefined;
}
