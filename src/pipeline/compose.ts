import type { Handler, Policy } from '../contracts/pipeline.ts';

/** Wraps a handler in policies: the first of the list is the outermost, and meets the call first. */
export function compose<Result>(
  policies: readonly Policy<Result>[],
  handler: Handler<Result>,
): Handler<Result> {
  return policies.reduceRight((next, policy) => policy(next), handler);
}
