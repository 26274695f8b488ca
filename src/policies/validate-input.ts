import { type SchemaFault, SkillgateError } from '../contracts/errors.ts';
import type { Policy } from '../contracts/pipeline.ts';
import type { Validate } from '../contracts/skill.ts';
import { findShapeFault } from '../lib/json-shape.ts';

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
  const more = faults.length > 1 ? ` and ${faults.length - 1} more` : '';
  const [first] = faults;
  const where = first?.pointer ? `${first.pointer} ` : 'the input ';
  return new SkillgateError('invalid_input', `${where}${first?.message}${more}`, { faults });
}
