import { Ajv2020, type Options } from 'ajv/dist/2020.js';
import addFormats, { type FormatsPlugin } from 'ajv-formats';
import type { SchemaFault } from '../contracts/errors.ts';
import type { JsonSchema, JsonValue } from '../contracts/json.ts';
import type { Validate } from '../contracts/skill.ts';
import { canonicalJson } from '../lib/canonical-json.ts';
import { describeFaults } from './describe-fault.ts';

// ajv-formats is CommonJS: its types put the function under `default`, which is where it is at run time too.
const formats: FormatsPlugin = addFormats.default;
const noFaults: readonly SchemaFault[] = [];
/** Past this many values a list of all faults could itself be huge: then the first fault has to do. */
const maxValuesForAllFaults = 2000;

/** Formats of JSON Schema 2020-12 for which there is no check here: they describe, and refuse nothing. */
const uncheckedFormats = ['idn-email', 'idn-hostname', 'iri', 'iri-reference'];

/**
 * Compiles a schema that was checked before. The validator stops at the first fault; only for a value that does not
 * fit and is small, a second one, compiled when it is first needed, finds every fault.
 *
 * @throws Error where ajv cannot compile the schema
 */
export function compileValidator(schema: JsonSchema): Validate {
  const fits = createAjv({ allErrors: false }).compile(schema);
  let fitsWholly: typeof fits | undefined;

  return (value) => {
    try {
      if (fits(value)) return noFaults;
      if (!isSmall(value)) return describeFaults(fits.errors);
      fitsWholly ??= createAjv({ allErrors: true }).compile(schema);
      fitsWholly(value);
      return describeFaults(fitsWholly.errors);
    } catch (error) {
      // A schema that refers to itself goes as deep as the value does, or for ever.
      if (!(error instanceof RangeError)) throw error;
      return [
        { pointer: '', keyword: '$ref', message: 'is nested too deeply for a schema that refers to itself' },
      ];
    }
  };
}

/**
 * An ajv for JSON Schema 2020-12. Each schema gets its own, so that an `$id` is nobody else's and goes when the skill
 * goes.
 */
export function createAjv(options: Options): Ajv2020 {
  const ajv = new Ajv2020({
    strict: false,
    meta: false,
    validateSchema: false,
    logger: false,
    verbose: true,
    // Without this, `required: ["constructor"]` would be met by every object.
    ownProperties: true,
    // 1.11 is a multiple of 0.01, though not in binary.
    multipleOfPrecision: 9,
    ...options,
  });
  formats(ajv);
  for (const format of uncheckedFormats) ajv.addFormat(format, true);
  // ajv compares every item with every other, which a caller's long list would turn into minutes.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (wanted: boolean, items: readonly JsonValue[]) => !wanted || areUnique(items),
  });
  return ajv;
}

/** The formats that may stand in a schema. */
export const knownFormats: ReadonlySet<string> = new Set(Object.keys(createAjv({}).formats));

function areUnique(items: readonly JsonValue[]): boolean {
  const seen = new Set<JsonValue>();
  const seenTexts = new Set<string>();
  for (const item of items) {
    if (typeof item === 'object' && item !== null) seenTexts.add(canonicalJson(item));
    else seen.add(item);
  }
  return seen.size + seenTexts.size === items.length;
}

function isSmall(value: JsonValue): boolean {
  const waiting: JsonValue[] = [value];
  let seen = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null) continue;
    const members = Array.isArray(next) ? next : Object.values(next);
    seen += members.length;
    if (seen > maxValuesForAllFaults) return false;
    for (const member of members) waiting.push(member);
  }
  return true;
}
