import type { ErrorObject } from 'ajv/dist/2020.js';
import type { SchemaFault } from '../contracts/errors.ts';
import { escapePointer } from '../lib/json-shape.ts';
import { nearestName } from '../lib/nearest-name.ts';

/** More faults than this help nobody, and an answer has to stay small. */
const maxFaults = 32;
const maxListed = 20;
const maxTextLength = 80;
const maxPointerLength = 1024;

/** Keywords whose own error only says that something within them failed, which has an error of its own. */
const umbrellas = new Set(['if', 'propertyNames']);

/**
 * Turns ajv's errors into faults that somebody who sees only the value can act on. The same fault is told once, and
 * at most 32 are told.
 *
 * @param errors of a validator compiled with `verbose`
 */
export function describeFaults(errors: readonly ErrorObject[] | null | undefined): SchemaFault[] {
  const faults = new Map<string, SchemaFault>();
  for (const error of errors ?? []) {
    if (umbrellas.has(error.keyword)) continue;
    const fault = describeFault(error);
    faults.set(`${fault.pointer} ${fault.message}`, fault);
    if (faults.size === maxFaults) break;
  }
  return [...faults.values()];
}

/** One error as a fault. An unwanted property is pointed at itself, as JSON Schema's own output format does. */
function describeFault(error: ErrorObject): SchemaFault {
  const params: Readonly<Record<string, unknown>> = error.params;
  const unwanted = params.additionalProperty ?? params.unevaluatedProperty ?? error.propertyName;
  const pointer =
    typeof unwanted === 'string' ? `${error.instancePath}/${escapePointer(unwanted)}` : error.instancePath;
  const message = messageOf(error, params);
  return {
    pointer: boundedPointer(pointer),
    keyword: error.keyword,
    message: error.propertyName === undefined ? message : `has a name that is not allowed: it ${message}`,
  };
}

function messageOf(error: ErrorObject, params: Readonly<Record<string, unknown>>): string {
  switch (error.keyword) {
    case 'type':
      return `must be ${listOf(params.type, (name) => article(String(name)), ' or ')}, not ${typeOf(error.data)}`;
    case 'required':
      return `must have the property ${quote(params.missingProperty)}`;
    case 'dependentRequired':
    case 'dependencies':
      return `must have the property ${quote(params.missingProperty)}, since it has ${quote(params.property)}`;
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unwantedProperty(params.additionalProperty ?? params.unevaluatedProperty, error.parentSchema);
    case 'enum':
      return `must be one of ${listOf(params.allowedValues, quote, ', ')}`;
    case 'const':
      return `must be ${quote(params.allowedValue)}`;
    case 'minLength':
      return `must have at least ${count(params.limit, 'character')}`;
    case 'maxLength':
      return `must have at most ${count(params.limit, 'character')}`;
    case 'minItems':
      return `must have at least ${count(params.limit, 'item')}`;
    case 'maxItems':
      return `must have at most ${count(params.limit, 'item')}`;
    case 'items':
      return `must have at most ${count(params.limit, 'item')}`;
    case 'contains':
      return `must contain at least ${count(params.minContains, 'item')} of the kind that contains describes`;
    case 'minProperties':
      return `must have at least ${count(params.limit, 'property', 'properties')}`;
    case 'maxProperties':
      return `must have at most ${count(params.limit, 'property', 'properties')}`;
    case 'multipleOf':
      return `must be a multiple of ${String(params.multipleOf)}`;
    case 'pattern':
      return `must match the pattern ${cut(String(params.pattern))}`;
    case 'format':
      return `must be of the format ${quote(params.format)}`;
    case 'uniqueItems':
      return 'must not have two equal items';
    case 'anyOf':
      return 'must fit at least one of the alternatives in anyOf';
    case 'oneOf':
      return Array.isArray(params.passingSchemas)
        ? `must fit only one of the alternatives in oneOf, but fits those at ${params.passingSchemas.join(' and ')}`
        : 'must fit one of the alternatives in oneOf';
    case 'not':
      return 'must not fit the schema in not';
    case 'false schema':
      return 'must not be here';
    default:
      return error.message ?? `does not meet ${error.keyword}`;
  }
}

function unwantedProperty(name: unknown, parentSchema: unknown): string {
  const known = Object.keys(propertiesOf(parentSchema));
  const meant = nearestName(String(name), known.slice(0, 200));
  if (meant !== undefined) return `is not a known property; did you mean ${quote(meant)}?`;
  if (known.length === 0) return 'is not a known property';
  return `is not a known property; known are ${listOf(known, quote, ', ')}`;
}

function propertiesOf(schema: unknown): object {
  if (typeof schema !== 'object' || schema === null || !('properties' in schema)) return {};
  return typeof schema.properties === 'object' && schema.properties !== null ? schema.properties : {};
}

function listOf(values: unknown, text: (value: unknown) => string, separator: string): string {
  const all: readonly unknown[] = Array.isArray(values) ? values : [values];
  const shown = all.slice(0, maxListed).map(text).join(separator);
  return all.length > maxListed ? `${shown}, … (${all.length} in all)` : shown;
}

function quote(value: unknown): string {
  return cut(JSON.stringify(value) ?? 'nothing');
}

function cut(text: string): string {
  return text.length > maxTextLength ? `${text.slice(0, maxTextLength)}…` : text;
}

/** A pointer to the faulty place, or, where a caller's huge keys made it too long, to something that holds it. */
function boundedPointer(pointer: string): string {
  return pointer.length <= maxPointerLength
    ? pointer
    : pointer.slice(0, pointer.lastIndexOf('/', maxPointerLength));
}

function count(limit: unknown, one: string, many = `${one}s`): string {
  return `${String(limit)} ${limit === 1 ? one : many}`;
}

function article(type: string): string {
  if (type === 'null') return 'null';
  return /^[aeiou]/.test(type) ? `an ${type}` : `a ${type}`;
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  return article(Array.isArray(value) ? 'array' : typeof value);
}
