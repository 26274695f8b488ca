import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../src/contracts/json.ts';
import { ImportError } from '../../src/importers/import-error.ts';
import type { Imported } from '../../src/importers/imported-skill.ts';
import { importOnnx } from '../../src/importers/onnx.ts';
import { importOpenInference } from '../../src/importers/open-inference.ts';
import { importTensorflowServing } from '../../src/importers/tensorflow-serving.ts';
import { anyText, expectAccepted } from './accepted.ts';

const runs = { numRuns: 60 };
const name = fc.oneof(
  anyText({ minLength: 1, maxLength: 80 }),
  fc.constantFrom('input:0', 'image_bytes', 'a', 'A', '__proto__', 'constructor', 'é', '输入'),
);
const shape = fc.array(fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 300 })), { maxLength: 5 });
const served = { url: 'http://localhost:8000', model: 'Model α 1' };

/** Imports, where the tensors are such that JSON can carry them. */
function expectAcceptedOrRefused(run: () => Imported): void {
  try {
    expectAccepted(run());
  } catch (error) {
    expect(error).toBeInstanceOf(ImportError);
  }
}

describe('metadata of the Open Inference Protocol', () => {
  const datatype = fc.constantFrom(
    'FP32',
    'FP16',
    'BF16',
    'INT8',
    'INT64',
    'UINT64',
    'BOOL',
    'BYTES',
    'COMPLEX',
  );
  const tensors = fc.uniqueArray(fc.record({ name, datatype, shape }), {
    maxLength: 4,
    selector: (tensor) => tensor.name,
  });

  it('gives definitions that pass the checks, or says what JSON cannot carry', () => {
    const metadata = fc.record({ name, platform: fc.string(), inputs: tensors, outputs: tensors });
    fc.assert(
      fc.property(metadata, (given) => expectAcceptedOrRefused(() => importOpenInference(given, served))),
      runs,
    );
  });

  it('is not taken at its word: whatever JSON it is, nothing else is thrown', () => {
    const anything = fc.jsonValue() as fc.Arbitrary<JsonValue>;
    const metadata = fc.oneof(anything, fc.record({ inputs: fc.array(anything), outputs: anything }));
    fc.assert(
      fc.property(metadata, (given) => {
        expectAcceptedOrRefused(() => importOpenInference(given, served));
        expectAcceptedOrRefused(() => importTensorflowServing(given, served));
      }),
      runs,
    );
  });

  it('keeps a fixed first dimension where another input leaves its open', () => {
    const { skills } = importOpenInference(
      {
        inputs: [
          { name: 'rows', datatype: 'FP32', shape: ['-1', '2'] },
          { name: 'weights', datatype: 'UINT8', shape: [1, 3] },
        ],
        outputs: [{ name: 'sum', datatype: 'FP64', shape: [-1] }],
      },
      served,
    );
    expect(skills[0]?.definition).toMatchObject({
      input_schema: {
        properties: {
          rows: { minItems: 2, maxItems: 2, items: { type: 'number' } },
          weights: {
            minItems: 1,
            items: { minItems: 3, items: { type: 'integer', minimum: 0, maximum: 255 } },
          },
        },
      },
      output_schema: { properties: { sum: { type: 'number' } } },
    });
  });
});

describe('the inputs and outputs of an ONNX model', () => {
  const values = fc.uniqueArray(
    fc.record({
      name,
      type: fc.constantFrom('float32', 'int64', 'string', 'bool', 'float16', undefined),
      shape: fc.array(fc.oneof(fc.constantFrom('batch', ''), fc.integer({ min: -1, max: 300 })), {
        maxLength: 4,
      }),
    }),
    { maxLength: 4, selector: (value) => value.name },
  );

  it('give definitions that pass the checks, or are refused', () => {
    const file = { fileName: 'Ünter 1.onnx', url: 'file:../model.onnx' };
    fc.assert(
      fc.property(fc.record({ inputs: values, outputs: values }), (given) =>
        expectAcceptedOrRefused(() => importOnnx(given, file)),
      ),
      runs,
    );
  });
});

describe('metadata of TensorFlow Serving', () => {
  const dtype = fc.constantFrom('DT_FLOAT', 'DT_INT64', 'DT_UINT64', 'DT_STRING', 'DT_BOOL', 'DT_HALF');
  const tensorShape = fc.oneof(
    shape.map((sizes) => ({ dim: sizes.map((size) => ({ size: String(size) })), unknown_rank: false })),
    fc.constant({ dim: [], unknown_rank: true }),
  );
  // Answers with a member __proto__ are refused before they come here, and protobuf's texts are Unicode.
  const key = name.filter((text) => text !== '__proto__' && text.isWellFormed());
  const tensors = fc.dictionary(key, fc.record({ dtype, tensor_shape: tensorShape }), { maxKeys: 3 });
  const method = fc
    .constantFrom('predict', 'classify', 'regress')
    .map((verb) => `tensorflow/serving/${verb}`);
  const signature = fc.record({ inputs: tensors, outputs: tensors, method_name: method });
  const metadataOf = (signatures: JsonValue): JsonValue => ({
    metadata: { signature_def: { signature_def: signatures } },
  });

  it('gives definitions that pass the checks', () => {
    const signatures = fc.dictionary(fc.oneof(fc.constant('serving_default'), key), signature, {
      minKeys: 1,
      maxKeys: 3,
    });
    fc.assert(
      fc.property(signatures, (given) => {
        const written: JsonValue = JSON.parse(JSON.stringify(given));
        expectAcceptedOrRefused(() => importTensorflowServing(metadataOf(written), served));
      }),
      runs,
    );
  });

  it('takes the tensors as they are where one has no batch dimension', () => {
    const tensor = (...sizes: number[]) => ({
      dtype: 'DT_FLOAT',
      tensor_shape: { dim: sizes.map((size) => ({ size: String(size) })) },
    });
    const { skills } = importTensorflowServing(
      metadataOf({
        serving_default: { inputs: { x: tensor(-1, 2), k: tensor() }, outputs: { y: tensor(-1, 2) } },
      }),
      served,
    );
    expect(skills[0]?.definition).toMatchObject({
      input_schema: { properties: { x: { type: 'array', items: { minItems: 2 } }, k: { type: 'number' } } },
      endpoint: { options: { format: 'columnar', output_name: 'y' } },
    });
  });

  it('sends bytes as such, under the name of the only input', () => {
    const { skills } = importTensorflowServing(
      metadataOf({
        serving_default: {
          inputs: { image_bytes: { dtype: 'DT_STRING', tensor_shape: { dim: [{ size: '-1' }] } } },
          outputs: { scores: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1' }, { size: '10' }] } } },
        },
      }),
      served,
    );
    expect(skills[0]?.definition).toMatchObject({
      input_schema: { properties: { image_bytes: { type: 'string', contentEncoding: 'base64' } } },
      endpoint: { options: { input_name: 'image_bytes', bytes: ['image_bytes'], output_name: 'scores' } },
    });
    expect(skills[0]?.hints.map(({ pointer }) => pointer)).toContain('/endpoint/options/labels');
  });
});
