import { SkillgateError } from './errors.ts';

/** Who calls, and which skills the credentials cover. */
export interface Caller {
  /** Stable and free of secrets: the name of an API key, `jwt:` and the subject of a JWT, `anonymous`, `gateway`. */
  readonly id: string;
  /** The names of the skills that this caller may use, or `*` for all. */
  readonly skills: ReadonlySet<string> | '*';
}

/** Whether the caller may use the skill. */
export function mayUse(caller: Caller, skill: string): boolean {
  return caller.skills === '*' || caller.skills.has(skill);
}

/** @throws SkillgateError `forbidden` where the caller may not use the skill */
export function checkMayUse(caller: Caller, skill: string): void {
  if (mayUse(caller, skill)) return;
  throw new SkillgateError('forbidden', `The credentials of ${caller.id} do not cover the skill ${skill}.`);
}

/** The gateway itself: warm-up inputs run under this name. */
export const gatewayCaller: Caller = { id: 'gateway', skills: '*' };

/** Whoever calls a gateway that asks for no credentials. */
export const anonymousCaller: Caller = { id: 'anonymous', skills: '*' };
