/** Something in a parsed value that JSON Schema does not see. */
export interface ShapeFault {
  /** JSON Pointer (RFC 6901) to the faulty place. */
  readonly pointer: string;
  readonly keyword: 'maxDepth' | 'propertyNames' | 'number';
  readonly message: string;
}

/** Deeper nesting than any tensor or document needs would overflow the stack of whatever walks the value. */
const maxDepth = 128;

/**
 * Looks for what a schema cannot refuse: nesting past `maxDepth`, a `__proto__` key, and numbers that JSON cannot
 * write (NaN and the infinities, which a model may answer).
 *
 * @returns the first fault, or undefined
 */
export function findShapeFault(value: unknown, depth = 0): ShapeFault | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value)
      ? undefined
      : { pointer: '', keyword: 'number', message: `must be a number that JSON can write, not ${value}` };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth >= maxDepth) {
    return { pointer: '', keyword: 'maxDepth', message: `must not be nested deeper than ${maxDepth} levels` };
  }
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const fault = findShapeFault(value[index], depth + 1);
      if (fault) return { ...fault, pointer: `/${index}${fault.pointer}` };
    }
    return undefined;
  }
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') {
      return { pointer: '', keyword: 'propertyNames', message: 'must not have a property named __proto__' };
    }
    const fault = findShapeFault(member, depth + 1);
    if (fault) return { ...fault, pointer: `/${escapePointer(key)}${fault.pointer}` };
  }
  return undefined;
}

/** Escapes one reference token of a JSON Pointer (RFC 6901, section 3). */
export function escapePointer(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1');
}
