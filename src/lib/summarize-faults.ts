/** A fault at a place in a value. */
interface Fault {
  /** JSON Pointer (RFC 6901); empty for the whole value. */
  readonly pointer: string;
  readonly message: string;
}

/**
 * The first fault in words, and how many more there are.
 *
 * @param subject what a fault of the whole value is about, such as `the input`
 */
export function summarizeFaults(faults: readonly Fault[], subject: string): string {
  const [first] = faults;
  if (first === undefined) return `${subject} has no fault`;
  const more = faults.length - 1;
  const rest = more === 0 ? '' : `; and ${more} more ${more === 1 ? 'fault' : 'faults'}`;
  return `${first.pointer || subject} ${first.message}${rest}`;
}
