import type { TensorType } from '../shared/elements.ts';
import type { TensorData } from '../shared/tensors.ts';

/** The element types of tensors that come from JSON and that onnxruntime-node takes as they are. */
const onnxTypes = [
  'string',
  'bool',
  'float32',
  'float64',
  'int8',
  'int16',
  'int32',
  'int64',
  'uint8',
  'uint16',
  'uint32',
  'uint64',
] as const satisfies readonly TensorType[];

type OnnxType = (typeof onnxTypes)[number];

/** A tensor as the runtime takes it. */
export interface OnnxTensor extends TensorData {
  readonly type: OnnxType;
  readonly data: Exclude<TensorData['data'], (string | Uint8Array)[] | Float16Array> | string[];
}

/** Whether JSON can carry elements of this ONNX type. float16 and int4 are not among them. */
export function isOnnxType(type: string): type is OnnxType {
  return onnxTypes.some((known) => known === type);
}

export function isOnnxTensor(tensor: TensorData): tensor is OnnxTensor {
  return isOnnxType(tensor.type);
}
