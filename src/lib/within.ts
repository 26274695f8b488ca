/** What was waited for took too long. */
class TooLateError extends Error {
  override readonly name = 'TooLateError';
}

/**
 * Gives what the promise gives, if that comes in time. Where this process itself was busy for longer than that, what
 * has arrived meanwhile is still read: timers run before the sockets do.
 *
 * @param ms milliseconds
 * @throws what the promise throws, or TooLateError; the promise itself goes on
 */
export function within<Result>(promise: Promise<Result>, ms: number): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      // Sockets are read between timers and immediates; what they bring settles before the second immediate.
      setImmediate(() =>
        setImmediate(() => reject(new TooLateError(`There was no answer within ${ms} ms.`))),
      );
    }, ms);
    promise.then(
      (result) => {
        clearTimeout(timer);
        resolve(result);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
