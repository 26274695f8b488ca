import { checkMayUse } from '../contracts/caller.ts';
import type { AnswerPolicy } from '../contracts/pipeline.ts';

/** Lets a call through only if its caller's credentials cover the skill; else `forbidden`. */
export function authorize(skill: string): AnswerPolicy {
  return (next) => (call) => {
    checkMayUse(call.caller, skill);
    return next(call);
  };
}
