import { checkMayUse } from '../contracts/caller.ts';
import type { Policy } from '../contracts/pipeline.ts';

/** Lets a call through only if its caller's credentials cover the skill; else `forbidden`. */
export function authorize<Result>(skill: string): Policy<Result> {
  return (next) => (call) => {
    checkMayUse(call.caller, skill);
    return next(call);
  };
}
