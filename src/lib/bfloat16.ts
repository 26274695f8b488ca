const scratch = new DataView(new ArrayBuffer(4));

/** The nearest number that bfloat16 can hold, the even one of two that are as near; infinite where it is too large. */
export function roundToBfloat16(value: number): number {
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  if (Number.isNaN(value)) return value;
  // Half of the last place, less one where the last place is even; what is left of it is cut off.
  const rounded = bits + 0x7fff + ((bits >>> 16) & 1);
  scratch.setUint32(0, (rounded & 0xffff0000) >>> 0);
  return scratch.getFloat32(0);
}

/** The two bytes of a number that bfloat16 can hold, as an integer. */
export function toBfloat16Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint16(0);
}

/** The number that two bytes of bfloat16 stand for. */
export function fromBfloat16Bits(bits: number): number {
  scratch.setUint32(0, bits * 0x10000);
  return scratch.getFloat32(0);
}
