import { changeCall, type OutputPolicy } from '../contracts/pipeline.ts';

/**
 * Says by when all attempts and the waits between them have to be over: `totalMs` milliseconds from now. The attempt
 * timeout ends what runs past it, and retry does not wait beyond it: no timer of its own is needed.
 */
export function deadline(totalMs: number): OutputPolicy {
  return (next) => (call) => next(changeCall(call, { deadlineAt: performance.now() + totalMs }));
}
