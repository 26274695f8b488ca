/*
 * The wire format of Protocol Buffers (protobuf.dev, Encoding), as far as messages need it whose fields are known in
 * the code: numbers as varints, and everything else as bytes.
 */

const varintType = 0;
const fixed64Type = 1;
const bytesType = 2;
const fixed32Type = 5;

/** A field of a message: a number, or the bytes of a text, a message, a packed list or a float. */
export interface ProtobufField {
  readonly field: number;
  readonly value: bigint | Uint8Array;
}

/** Writes a number, or a boolean or enum value as one; a negative one in ten bytes, as int32 and int64 have it. */
export function numberField(field: number, value: number | bigint | boolean): Buffer {
  return Buffer.from([
    ...varint(BigInt(field * 8 + varintType)),
    ...varint(BigInt.asUintN(64, BigInt(value))),
  ]);
}

/** Writes a text or bytes. */
export function bytesField(field: number, value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  const head = [...varint(BigInt(field * 8 + bytesType)), ...varint(BigInt(bytes.length))];
  return Buffer.concat([Buffer.from(head), bytes]);
}

/** Writes a message out of its fields. */
export function messageField(field: number, fields: readonly Uint8Array[]): Buffer {
  return bytesField(field, Buffer.concat(fields));
}

/** Writes a list of integers, packed. */
export function packedField(field: number, values: readonly (number | bigint)[]): Buffer {
  const bytes = values.flatMap((value) => varint(BigInt.asUintN(64, BigInt(value))));
  return bytesField(field, Uint8Array.from(bytes));
}

function varint(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

/**
 * Reads the fields of a message, in their order.
 *
 * @throws RangeError where the bytes are no message
 */
export function readFields(bytes: Uint8Array): ProtobufField[] {
  const fields: ProtobufField[] = [];
  const reader = createReader(bytes);
  while (!reader.atEnd()) {
    const tag = reader.varint();
    fields.push({ field: Number(tag >> 3n), value: readValue(Number(tag & 7n), reader) });
  }
  return fields;
}

function readValue(type: number, reader: Reader): bigint | Uint8Array {
  if (type === varintType) return reader.varint();
  if (type === bytesType) return reader.take(Number(reader.varint()));
  if (type === fixed32Type) return reader.take(4);
  if (type === fixed64Type) return reader.take(8);
  throw new RangeError(`there is no wire type ${type}`);
}

/**
 * Reads a list of packed integers, each as 64 bits without a sign.
 *
 * @throws RangeError where the bytes are none
 */
function readPacked(bytes: Uint8Array): bigint[] {
  const values: bigint[] = [];
  const reader = createReader(bytes);
  while (!reader.atEnd()) values.push(reader.varint());
  return values;
}

interface Reader {
  atEnd(): boolean;
  varint(): bigint;
  take(length: number): Uint8Array;
}

function createReader(bytes: Uint8Array): Reader {
  let at = 0;
  return {
    atEnd: () => at === bytes.length,
    varint() {
      let value = 0n;
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = bytes[at];
        if (byte === undefined) break;
        at += 1;
        value |= BigInt(byte & 0x7f) << shift;
        if (byte < 0x80) return BigInt.asUintN(64, value);
      }
      throw new RangeError('a number does not end');
    },
    take(length) {
      if (length > bytes.length - at) throw new RangeError('a field is longer than its message');
      at += length;
      return bytes.subarray(at - length, at);
    },
  };
}

/** The fields with this number that are bytes. */
export function bytesAt(fields: readonly ProtobufField[], field: number): Uint8Array[] {
  return fields.flatMap(({ field: number, value }) =>
    number === field && typeof value !== 'bigint' ? [value] : [],
  );
}

/** The last field with this number as a text (UTF-8); empty where there is none. */
export function textAt(fields: readonly ProtobufField[], field: number): string {
  const bytes = bytesAt(fields, field).at(-1);
  return bytes === undefined ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

/** The fields with this number as messages. */
export function messagesAt(fields: readonly ProtobufField[], field: number): ProtobufField[][] {
  return bytesAt(fields, field).map(readFields);
}

/** The numbers with this field number, packed or not, each as 64 bits without a sign. */
export function numbersAt(fields: readonly ProtobufField[], field: number): bigint[] {
  return fields.flatMap(({ field: number, value }) => {
    if (number !== field) return [];
    return typeof value === 'bigint' ? [value] : readPacked(value);
  });
}
