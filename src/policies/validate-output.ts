import { type SchemaFault, SkillgateError } from '../contracts/errors.ts';
import type { Answer } from '../contracts/invocation.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { Handler } from '../contracts/pipeline.ts';
import type { Validate } from '../contracts/skill.ts';
import { findShapeFault } from '../lib/json-shape.ts';
import { summarizeFaults } from '../lib/summarize-faults.ts';

/**
 * Lets an output through only if it fits the output schema, and writes its JSON text once; else `invalid_output`
 * with every fault. NaN and the infinities never pass: JSON would turn them into null.
 */
export function validateOutput(validate: Validate): (infer: Handler<JsonValue>) => Handler<Answer> {
  return (infer) => async (call) => {
    const output = await infer(call);
    const shapeFault = findShapeFault(output);
    if (shapeFault) throw invalidOutput([shapeFault]);
    const faults = validate(output);
    if (faults.length > 0) throw invalidOutput(faults);
    return { json: JSON.stringify(output) };
  };
}

function invalidOutput(faults: readonly SchemaFault[]): SkillgateError {
  const summary = summarizeFaults(faults, 'the whole');
  return new SkillgateError('invalid_output', `The model's answer: ${summary}`, { faults });
}
