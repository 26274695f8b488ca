import type { JsonValue } from '../contracts/json.ts';
import type { Handler, Policy } from '../contracts/pipeline.ts';

/** Wraps a handler in policies: the first of the list is the outermost, and meets the call first. */
export function compose<Result, Input = JsonValue>(
  policies: readonly Policy<Result, Input>[],
  handler: Handler<Result, Input>,
): Handler<Result, Input> {
  return policies.reduceRight((next, policy) => policy(next), handler);
}
