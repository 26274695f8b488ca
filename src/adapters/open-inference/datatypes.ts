import type { TensorType } from '../shared/elements.ts';

/** The datatypes of the protocol (Open Inference Protocol V2, tensor data types), and what they are here. */
export const datatypes = {
  BOOL: 'bool',
  UINT8: 'uint8',
  UINT16: 'uint16',
  UINT32: 'uint32',
  UINT64: 'uint64',
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
  BF16: 'bfloat16',
  BYTES: 'text',
} as const satisfies Record<string, TensorType>;

const names: ReadonlyMap<TensorType, string> = new Map([
  ...Object.entries(datatypes).map(([datatype, type]) => [type, datatype] as const),
  ['base64', 'BYTES'] as const,
]);

/** What a datatype is here; the datatype itself where it is none that JSON can carry. */
export function typeOfDatatype(datatype: string): TensorType | string {
  return Object.entries(datatypes).find(([name]) => name === datatype)?.[1] ?? datatype;
}

/** The datatype that a tensor has in the protocol. */
export function datatypeOf(type: TensorType): string {
  return names.get(type) ?? type;
}
