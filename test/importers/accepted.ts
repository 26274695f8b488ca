import fc from 'fast-check';
import { expect } from 'vitest';
import type { JsonValue } from '../../src/contracts/json.ts';
import type { Imported } from '../../src/importers/imported-skill.ts';
import { sampleInput } from '../../src/importers/sample-input.ts';
import { protocols } from '../../src/protocols.ts';
import { createDefinitionCompiler } from '../../src/skills/compile.ts';

/** Texts with what names of models and tensors may hold, and may not. */
export const anyText = (options: { readonly minLength?: number; readonly maxLength?: number } = {}) =>
  fc.string({
    unit: fc.oneof(
      fc.string({ minLength: 1, maxLength: 1 }),
      fc.constantFrom('é', 'ß', '输', '\u0000', '\u{1f600}', '\ud800', '/', ':', '.', '_', '-'),
    ),
    ...options,
  });

const compile = createDefinitionCompiler(protocols);

/**
 * Holds what was imported to the checks of `skillgate validate`; a sample of an input has to fit its schema.
 *
 * @param mayBeRefused the only reasons for which the checks may refuse
 */
export function expectAccepted({ skills }: Imported, mayBeRefused = /^$/): void {
  for (const { definition } of skills) {
    const written: JsonValue = JSON.parse(JSON.stringify(definition));
    const result = compile(written);
    if (!('compiled' in result)) {
      for (const { reason } of result.faults) expect(reason).toMatch(mayBeRefused);
      continue;
    }
    // A body of an OpenAPI document may use keywords that no sample looks at; the command shows only what fits.
    if (definition.endpoint.protocol === undefined) continue;
    const sample = sampleInput(definition.input_schema);
    if (sample !== undefined) expect(result.compiled.validateInput(sample)).toEqual([]);
    // Names that the service itself reads have to stay as they are.
    if (!['open-inference', 'onnx'].includes(String(definition.endpoint.protocol))) continue;
    for (const name of Object.keys(Object(definition.input_schema.properties))) {
      expect(name).toMatch(/^[a-zA-Z0-9_.-]{1,64}$/);
    }
  }
}
