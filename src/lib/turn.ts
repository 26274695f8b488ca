import type { Patience } from './abort.ts';

/**
 * Stands in a line until somebody calls the function that it puts there, which also takes it out.
 *
 * @param line in the order of their coming
 * @returns what the function was called with
 * @throws the signal's reason, or what `tooLate` makes; the place in the line is free again by then
 */
export function waitForTurn<Turn>(
  line: Set<(turn: Turn) => void>,
  { signal, ms, tooLate }: Patience,
): Promise<Turn> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      line.delete(admit);
    };
    const admit = (turn: Turn) => {
      leave();
      resolve(turn);
    };
    const onAbort = () => {
      leave();
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      leave();
      reject(tooLate());
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
    line.add(admit);
  });
}
