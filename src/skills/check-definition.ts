import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { Protocol } from '../contracts/adapter.ts';
import type { JsonValue } from '../contracts/json.ts';
import { type SkillDefinition, skillDefinitionSchema } from '../contracts/skill-definition.ts';
import { fullDefinitionSchema } from './definition-schema.ts';
import { describeFaults } from './describe-fault.ts';
import type { DefinitionFault } from './fault.ts';
import { ownMember } from './schema-walk.ts';

export type CheckedDefinition =
  | { readonly definition: SkillDefinition }
  | { readonly faults: readonly DefinitionFault[] };

/**
 * Makes the check of a definition against its own schema. The check fills in the defaults, in place.
 *
 * @param protocols whose names and options a definition may use
 */
export function createDefinitionCheck(
  protocols: readonly Protocol[],
): (value: JsonValue) => CheckedDefinition {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    verbose: true,
    ownProperties: true,
    useDefaults: true,
    meta: false,
    validateSchema: false,
    logger: false,
  });
  const schema = fullDefinitionSchema(protocols);
  const isDefinition = ajv.compile<SkillDefinition>(schema);
  return (value) => {
    if (isDefinition(value)) return { definition: value };
    const errors = (isDefinition.errors ?? []).filter((error) => !isOfOtherBranch(error, value));
    const described = describeFaults(errors).map(({ pointer, message }) => ({ pointer, reason: message }));
    return { faults: [...described, ...unknownChoices(value)] };
  };
}

/** A place with alternatives, of which one property says which is meant. */
interface Choice {
  readonly path: readonly string[];
  readonly key: string;
  /** Where its alternatives are in the schema, as ajv tells it. */
  readonly branches: string;
  /** The values of the property, in the order of the alternatives. */
  readonly values: readonly JsonValue[];
}

const { auth, readiness } = skillDefinitionSchema.properties;
const choices: readonly Choice[] = [
  {
    path: ['auth'],
    key: 'type',
    branches: '#/properties/auth/oneOf',
    values: auth.oneOf.map(({ properties }) => properties.type.const),
  },
  {
    path: ['readiness', 'gpu'],
    key: 'source',
    branches: '#/properties/readiness/properties/gpu/oneOf',
    values: readiness.properties.gpu.oneOf.map(({ properties }) => properties.source.const),
  },
];

/** Of the alternatives only the one that is meant is worth telling about. */
function isOfOtherBranch({ schemaPath }: ErrorObject, value: JsonValue): boolean {
  const choice = choices.find(({ branches }) => schemaPath.startsWith(branches));
  if (!choice) return false;
  const meant = choice.values.indexOf(chosenIn(value, choice) ?? null);
  return !schemaPath.startsWith(`${choice.branches}/${meant}/`);
}

function unknownChoices(value: JsonValue): DefinitionFault[] {
  return choices.flatMap((choice) => {
    const chosen = chosenIn(value, choice);
    if (chosen === undefined || choice.values.includes(chosen)) return [];
    const known = choice.values.map((name) => JSON.stringify(name)).join(', ');
    return [{ pointer: `/${[...choice.path, choice.key].join('/')}`, reason: `must be one of ${known}` }];
  });
}

function chosenIn(value: JsonValue, { path, key }: Choice): JsonValue | undefined {
  let inner: JsonValue | undefined = value;
  for (const name of [...path, key]) inner = ownMember(inner, name);
  return inner;
}
