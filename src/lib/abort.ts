/**
 * Waits, unless the signal aborts first.
 *
 * @param ms milliseconds
 * @throws the signal's reason, at once when it aborts
 */
export function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Gives what the promise gives, unless the signal aborts first. The promise itself goes on.
 *
 * @throws what the promise throws, or the signal's reason
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    // Also after an abort: a rejection that comes later must find somebody who listens.
    promise.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}

export interface Patience {
  /** Aborts when the one who waits leaves. */
  readonly signal: AbortSignal;
  /** How long to wait, in milliseconds. */
  readonly ms: number;
  /** Makes the error for who has waited too long. */
  readonly tooLate: () => Error;
}

/**
 * Does something for as long as somebody waits for it.
 *
 * @param work ends when its signal aborts, with that signal's reason: that of `signal`, or what `tooLate` makes
 */
export async function patiently<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  { signal, ms, tooLate }: Patience,
): Promise<Result> {
  const { controller, unlink } = linkedController(signal);
  const timer = setTimeout(() => controller.abort(tooLate()), ms);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    unlink();
  }
}

/** A controller that also aborts when its parent does. */
export interface LinkedController {
  readonly controller: AbortController;
  /** Ends the link, so that a long-lived parent does not keep the child. */
  unlink(): void;
}

/** Makes a controller that aborts, with the parent's reason, when the parent does. */
export function linkedController(parent: AbortSignal): LinkedController {
  const controller = new AbortController();
  if (parent.aborted) {
    controller.abort(parent.reason);
    return { controller, unlink: () => undefined };
  }
  const onAbort = () => controller.abort(parent.reason);
  parent.addEventListener('abort', onAbort, { once: true });
  return { controller, unlink: () => parent.removeEventListener('abort', onAbort) };
}
