/** Remembers that something happened until somebody asks. */
export interface Latch {
  /** Something happened. */
  set(): void;
  /**
   * Resolves at once if something happened since this last resolved, else when it does.
   *
   * @throws the signal's reason
   */
  wait(signal: AbortSignal): Promise<void>;
}

/** Makes a latch for one who waits. */
export function createLatch(): Latch {
  let isSet = false;
  let wake: (() => void) | undefined;
  return {
    set() {
      isSet = true;
      wake?.();
    },
    wait: (signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const settle = () => {
          signal.removeEventListener('abort', settle);
          wake = undefined;
          if (signal.aborted) return reject(signal.reason);
          isSet = false;
          resolve();
        };
        if (isSet) return settle();
        signal.addEventListener('abort', settle, { once: true });
        wake = settle;
      }),
  };
}
