/**
 * Does something again and again, but never twice at a time. It keeps no process alive.
 *
 * @param ms milliseconds from one start to the next
 * @param onFailure told of what the work throws
 */
export function every(
  ms: number,
  work: () => Promise<unknown>,
  onFailure: (error: unknown) => void,
): NodeJS.Timeout {
  let isAtWork = false;
  return setInterval(async () => {
    if (isAtWork) return;
    isAtWork = true;
    await work().catch(onFailure);
    isAtWork = false;
  }, ms).unref();
}
