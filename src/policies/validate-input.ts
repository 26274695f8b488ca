import { type SchemaFault, SkillgateError } from '../contracts/errors.ts';
import type { Policy } from '../contracts/pipeline.ts';
import type { Validate } from '../contracts/skill.ts';
import { findShapeFault } from '../lib/json-shape.ts';
import { summarizeFaults } from '../lib/summarize-faults.ts';

/** Lets a call through only if its input fits the input schema; else `invalid_input` with every fault. */
export function validateInput<Result>(validate: Validate): Policy<Result> {
  return (next) => (call) => {
    // Before the schema: nothing that walks the input may meet one that is too deep for the stack.
    const shapeFault = findShapeFault(call.input);
    if (shapeFault) throw invalidInput([shapeFault]);
    const faults = validate(call.input);
    if (faults.length > 0) throw invalidInput(faults);
    return next(call);
  };
}

function invalidInput(faults: readonly SchemaFault[]): SkillgateError {
  return new SkillgateError('invalid_input', summarizeFaults(faults, 'the input'), { faults });
}
