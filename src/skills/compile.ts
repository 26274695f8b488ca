import { createHash } from 'node:crypto';
import type { Protocol } from '../contracts/adapter.ts';
import { isJsonObject, type JsonValue } from '../contracts/json.ts';
import type { CompiledSkill, Validate } from '../contracts/skill.ts';
import type { SkillDefinition } from '../contracts/skill-definition.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { findShapeFault } from '../lib/json-shape.ts';
import { createDefinitionCheck } from './check-definition.ts';
import { type DefinitionFault, under } from './fault.ts';
import { compileMapping, type MappingExpressions } from './mapping.ts';
import { findSchemaFaults } from './schema-faults.ts';
import { ownMember } from './schema-walk.ts';
import { toToolSchemas } from './tool-schemas.ts';
import { compileValidator } from './validator.ts';

/** A skill but for what only the reader of its file knows. */
export type CompiledDefinition = Omit<CompiledSkill, 'file' | 'loadSeconds'>;

export type CompileResult =
  | { readonly compiled: CompiledDefinition }
  | { readonly faults: readonly DefinitionFault[] };

/** Checks a parsed definition, fills in its defaults in place, and compiles it. */
export type CompileDefinition = (value: JsonValue) => CompileResult;

/**
 * Makes the compiler of definitions. It finds every fault of a definition at once, also in the parts of one that
 * does not fit its schema elsewhere. The outputs of examples are not checked: they may be partial.
 *
 * @param protocols whose names and options a definition may use
 */
export function createDefinitionCompiler(protocols: readonly Protocol[]): CompileDefinition {
  const checkDefinition = createDefinitionCheck(protocols);
  const protocolsByName = new Map(protocols.map((protocol) => [protocol.name, protocol]));

  return (value) => {
    const shapeFault = findShapeFault(value);
    if (shapeFault) return { faults: [{ pointer: shapeFault.pointer, reason: shapeFault.message }] };

    const checked = checkDefinition(value);
    const definition = 'definition' in checked ? checked.definition : undefined;
    const input = compileSchemaAt(value, 'input_schema');
    const output = compileSchemaAt(value, 'output_schema');
    const mapping = compileMapping(expressionsOf(value));
    const faults = [
      ...('faults' in checked ? checked.faults : []),
      ...('faults' in input ? input.faults : rootTypeFaults(value)),
      ...('faults' in output ? output.faults : []),
      ...('faults' in mapping ? mapping.faults : []),
      ...('validate' in input ? inputFaults(value, input.validate) : []),
      ...protocolFaults(definition ?? withEndpointOf(value)),
    ];
    if (
      !definition ||
      !('validate' in input) ||
      !('validate' in output) ||
      !('mapping' in mapping) ||
      faults.length > 0
    ) {
      return { faults };
    }
    return {
      compiled: {
        definition,
        digest: createHash('sha256').update(canonicalJson(value)).digest('hex'),
        validateInput: input.validate,
        validateOutput: output.validate,
        mapping: mapping.mapping,
        toolSchemas: toToolSchemas(definition),
      },
    };
  };

  function protocolFaults(definition: SkillDefinition | undefined): readonly DefinitionFault[] {
    const protocol = definition && protocolsByName.get(definition.endpoint.protocol);
    if (!protocol) return [];
    return [...(protocol.check?.(definition) ?? []), ...batchingFaults(definition, protocol)];
  }

  /** A definition with this endpoint and nothing wrong elsewhere, so that a protocol can look at the endpoint alone. */
  function withEndpointOf(value: JsonValue): SkillDefinition | undefined {
    const checked = checkDefinition({
      name: 'endpoint',
      description: 'An endpoint',
      input_schema: {},
      output_schema: {},
      endpoint: ownMember(value, 'endpoint') ?? null,
    });
    return 'definition' in checked ? checked.definition : undefined;
  }
}

/** What stands against sending calls together. */
function batchingFaults(definition: SkillDefinition, protocol: Protocol): readonly DefinitionFault[] {
  const { batching, concurrency } = definition;
  if (!batching) return [];
  if (!protocol.checkBatching) {
    return [{ pointer: '/batching', reason: `cannot be: the protocol ${protocol.name} takes no batches` }];
  }
  const faults = [...protocol.checkBatching(definition)];
  if (batching.max_size > concurrency.max) {
    const reason = `is ${batching.max_size}, and /concurrency/max lets no more than ${concurrency.max} calls in at a time`;
    faults.push({ pointer: '/batching/max_size', reason });
  }
  return faults;
}

/** Compiles the schema under a key. Where there is none, the check of the definition has said so. */
function compileSchemaAt(
  definition: JsonValue,
  key: 'input_schema' | 'output_schema',
): { readonly validate: Validate } | { readonly faults: readonly DefinitionFault[] } {
  const schema = ownMember(definition, key);
  if (!isJsonObject(schema)) return { faults: [] };
  const faults = under(`/${key}`, findSchemaFaults(schema));
  if (faults.length > 0) return { faults };
  try {
    const validate = compileValidator(schema);
    const endless = validate({}).filter(({ keyword }) => keyword === '$ref');
    if (endless.length === 0) return { validate };
    return { faults: [{ pointer: `/${key}`, reason: 'refers to itself without end' }] };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { faults: [{ pointer: `/${key}`, reason: `cannot be compiled: ${error.message}` }] };
  }
}

/** Claude's tools take objects, whichever door they come through. */
function rootTypeFaults(definition: JsonValue): DefinitionFault[] {
  const schema = ownMember(definition, 'input_schema');
  if (!isJsonObject(schema) || ownMember(schema, 'type') === 'object') return [];
  return [{ pointer: '/input_schema', reason: 'must have "type": "object" at its root' }];
}

/** The inputs that the definition itself holds have to be ones that the skill takes. */
function inputFaults(definition: JsonValue, validateInput: Validate): DefinitionFault[] {
  const faultsOf = (input: JsonValue, pointer: string) =>
    validateInput(input).map((fault) => ({
      pointer: pointer + fault.pointer,
      reason: `${fault.message}, as input_schema says`,
    }));
  const examples = listAt(definition, 'examples').flatMap((example, index) => {
    const input = ownMember(example, 'input');
    return input === undefined ? [] : faultsOf(input, `/examples/${index}/input`);
  });
  const warmup = listAt(definition, 'warmup').flatMap((input, index) => faultsOf(input, `/warmup/${index}`));
  return [...examples, ...warmup];
}

function expressionsOf(definition: JsonValue): MappingExpressions {
  const textAt = (key: string) => {
    const text = ownMember(ownMember(definition, 'endpoint'), key);
    // An empty one is a fault that the check of the definition tells.
    return typeof text === 'string' && text !== '' ? text : undefined;
  };
  return { request: textAt('request'), response: textAt('response') };
}

function listAt(definition: JsonValue, key: string): readonly JsonValue[] {
  const list = ownMember(definition, key);
  return Array.isArray(list) ? list : [];
}
