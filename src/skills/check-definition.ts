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
    return { faults: [...described, ...unknownAuthType(value)] };
  };
}

const authBranch = '#/properties/auth/oneOf';
const authTypes: readonly JsonValue[] = skillDefinitionSchema.properties.auth.oneOf.map(
  ({ properties }) => properties.type.const,
);

/** Of the alternatives of `auth` only the one that `type` names is worth telling about. */
function isOfOtherBranch({ schemaPath }: ErrorObject, value: JsonValue): boolean {
  if (!schemaPath.startsWith(authBranch)) return false;
  const chosen = authTypes.indexOf(ownMember(ownMember(value, 'auth'), 'type') ?? null);
  return !schemaPath.startsWith(`${authBranch}/${chosen}/`);
}

function unknownAuthType(value: JsonValue): DefinitionFault[] {
  const type = ownMember(ownMember(value, 'auth'), 'type');
  if (type === undefined || authTypes.includes(type)) return [];
  const known = authTypes.map((name) => JSON.stringify(name)).join(', ');
  return [{ pointer: '/auth/type', reason: `must be one of ${known}` }];
}
