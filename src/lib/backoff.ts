export interface BackoffOptions {
  /** The wait after the first failure, in milliseconds. */
  readonly baseMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxMs: number;
}

/**
 * The wait before the next attempt: it doubles from failure to failure, and half of it is left to chance, so that
 * callers who failed together do not come back together (equal jitter, Brooker 2015).
 *
 * @param failures how many attempts have failed, from 1
 * @param random gives a number in [0, 1)
 * @returns milliseconds
 */
export function backoffMs(failures: number, { baseMs, maxMs }: BackoffOptions, random = Math.random): number {
  const ceiling = Math.min(maxMs, baseMs * 2 ** (failures - 1));
  return ceiling / 2 + (random() * ceiling) / 2;
}
