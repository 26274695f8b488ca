import { mayUse } from '../contracts/caller.ts';
import { SkillgateError } from '../contracts/errors.ts';
import type { AnswerPolicy } from '../contracts/pipeline.ts';

/** Lets a call through only if its caller's credentials cover the skill; else `forbidden`. */
export function authorize(skill: string): AnswerPolicy {
  return (next) => async (call) => {
    if (mayUse(call.caller, skill)) return next(call);
    throw new SkillgateError(
      'forbidden',
      `The credentials of ${call.caller.id} do not cover the skill ${skill}.`,
    );
  };
}
