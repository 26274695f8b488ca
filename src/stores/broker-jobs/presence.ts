import { within } from '../../lib/within.ts';

/** Something that comes and goes, such as a connection. */
export interface Presence<Value> {
  /** What is there now. */
  readonly current: Value | undefined;
  arrive(value: Value): void;
  leave(): void;
  /** Waits a moment for what has just gone, and not for what has long been away. @throws TooLateError */
  wait(): Promise<Value>;
  /** Waits for as long as it takes. */
  waitOn(): Promise<Value>;
}

/**
 * Nothing is there at first.
 *
 * @param patienceMs how long after it went it may still be waited for, in milliseconds
 */
export function createPresence<Value>(patienceMs: number): Presence<Value> {
  let current: Value | undefined;
  let arrival = Promise.withResolvers<Value>();
  let leftAt = performance.now();
  return {
    get current() {
      return current;
    },
    arrive(value) {
      current = value;
      arrival.resolve(value);
    },
    leave() {
      if (current === undefined) return;
      current = undefined;
      leftAt = performance.now();
      arrival = Promise.withResolvers();
    },
    waitOn: () => arrival.promise,
    async wait() {
      if (current !== undefined) return current;
      return within(arrival.promise, Math.max(0, leftAt + patienceMs - performance.now()));
    },
  };
}
