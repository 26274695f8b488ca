import { Ajv2020 } from 'ajv/dist/2020.js';
import { isJsonObject, type JsonSchema } from '../contracts/json.ts';
import { escapePointer } from '../lib/json-shape.ts';
import { nearestName } from '../lib/nearest-name.ts';
import { describeFaults } from './describe-fault.ts';
import type { DefinitionFault } from './fault.ts';
import { findReferenceFaults } from './schema-references.ts';
import { ownMember, type Subschema, walkSchema } from './schema-walk.ts';
import { knownFormats } from './validator.ts';

const dialect = 'https://json-schema.org/draft/2020-12/schema';
const types = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];

let metaAjv: Ajv2020 | undefined;

/**
 * Finds what keeps a schema from being compiled, or from meaning what it says: everything that the meta-schema of
 * JSON Schema 2020-12 refuses, other dialects, references that lead out or to nothing, formats nobody knows, and
 * patterns that are no regular expressions.
 */
export function findSchemaFaults(schema: JsonSchema): DefinitionFault[] {
  const faults = [...dialectFaults(schema), ...findReferenceFaults(schema)];
  for (const subschema of walkSchema(schema)) faults.push(...keywordFaults(subschema));
  for (const fault of metaSchemaFaults(schema)) {
    const isExplained = faults.some(({ pointer }) => `${fault.pointer}/`.startsWith(`${pointer}/`));
    if (!isExplained) faults.push(fault);
  }
  return faults;
}

function dialectFaults(schema: JsonSchema): DefinitionFault[] {
  const name = ownMember(schema, '$schema');
  if (typeof name !== 'string' || name.replace(/#$/, '') === dialect) return [];
  return [
    {
      pointer: '/$schema',
      reason: `only JSON Schema 2020-12 is understood here; leave $schema out or write "${dialect}"`,
    },
  ];
}

function metaSchemaFaults(schema: JsonSchema): DefinitionFault[] {
  // Compiling the meta-schema takes longer than anything else here, so every skill shares it.
  metaAjv ??= new Ajv2020({ strict: false, allErrors: true, verbose: true, logger: false });
  const { $schema: _, ...dialectFree } = schema;
  if (metaAjv.validateSchema(dialectFree)) return [];
  return describeFaults(metaAjv.errors).map(({ pointer, message }) => ({ pointer, reason: message }));
}

function keywordFaults({ schema, pointer }: Subschema): DefinitionFault[] {
  const faults: DefinitionFault[] = [];
  if (ownMember(schema, '$async') !== undefined) {
    faults.push({ pointer: `${pointer}/$async`, reason: 'is not a keyword of JSON Schema' });
  }
  const type = ownMember(schema, 'type');
  if (
    type !== undefined &&
    ![type].flat().every((name) => typeof name === 'string' && types.includes(name))
  ) {
    const meant = typeof type === 'string' ? nearestName(type, types) : undefined;
    const guess = meant === undefined ? '' : `; did you mean "${meant}"?`;
    const reason = `must be one of ${types.join(', ')}, or a list of them${guess}`;
    faults.push({ pointer: `${pointer}/type`, reason });
  }
  const format = ownMember(schema, 'format');
  if (typeof format === 'string' && !knownFormats.has(format)) {
    const meant = nearestName(format, knownFormats);
    const guess =
      meant === undefined ? `known are ${[...knownFormats].join(', ')}` : `did you mean "${meant}"?`;
    faults.push({
      pointer: `${pointer}/format`,
      reason: `${JSON.stringify(format)} is not a known format; ${guess}`,
    });
  }
  const pattern = ownMember(schema, 'pattern');
  if (typeof pattern === 'string') faults.push(...patternFaults(pattern, `${pointer}/pattern`));
  const patternProperties = ownMember(schema, 'patternProperties');
  for (const key of isJsonObject(patternProperties) ? Object.keys(patternProperties) : []) {
    faults.push(...patternFaults(key, `${pointer}/patternProperties/${escapePointer(key)}`));
  }
  return faults;
}

function patternFaults(pattern: string, pointer: string): DefinitionFault[] {
  try {
    new RegExp(pattern, 'u');
    return [];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return [
      { pointer, reason: `is not a regular expression of ECMAScript with the flag u (${error.message})` },
    ];
  }
}
