import { setImmediate } from 'node:timers/promises';
import jsonata, { type Expression } from 'jsonata';
import type { Mapping } from '../contracts/adapter.ts';
import { type ErrorCode, SkillgateError } from '../contracts/errors.ts';
import type { JsonValue } from '../contracts/json.ts';
import type { DefinitionFault } from './fault.ts';

/** How deep expressions may call themselves. */
const maxStack = 500;
/** After how much computing, in milliseconds, everything else gets its turn before the next expression starts. */
const yieldAfterMs = 10;
const maxReasonLength = 300;

export interface MappingExpressions {
  readonly request?: string | undefined;
  readonly response?: string | undefined;
}

export interface MappingOptions {
  /** How long one expression may compute, in milliseconds: the event loop stands still meanwhile. */
  readonly timeoutMs?: number;
}

/**
 * Compiles `endpoint.request` and `endpoint.response` (JSONata 2). At a call, an expression that fails, takes too
 * long, or gives what JSON cannot carry is an `invalid_input` (request) or an `upstream_error` (response) with its
 * position in the detail.
 *
 * @returns the mapping, or the faults of the expressions that do not parse, as pointers from the definition's root
 */
export function compileMapping(
  expressions: MappingExpressions,
  { timeoutMs = 1000 }: MappingOptions = {},
): { readonly mapping: Mapping } | { readonly faults: readonly DefinitionFault[] } {
  const faults: DefinitionFault[] = [];
  const compile = (position: 'request' | 'response'): Expression | undefined => {
    const text = expressions[position];
    if (text === undefined) return undefined;
    try {
      return jsonata(text, { timeout: timeoutMs, stack: maxStack });
    } catch (error) {
      faults.push({
        pointer: `/endpoint/${position}`,
        reason: `is not a JSONata expression: ${reasonOf(error)}`,
      });
      return undefined;
    }
  };
  const request = compile('request');
  const response = compile('response');
  if (faults.length > 0) return { faults };
  return {
    mapping: {
      ...(request && { request: (input) => evaluate(request, input, {}, 'request') }),
      ...(response && { response: (body, input) => evaluate(response, body, { input }, 'response') }),
    },
  };
}

const failures: Record<'request' | 'response', { code: ErrorCode; detail: string }> = {
  request: {
    code: 'invalid_input',
    detail: "No request for the model can be made of this input by the skill's endpoint.request",
  },
  response: {
    code: 'upstream_error',
    detail: "The model's answer has a shape that the skill's endpoint.response does not take",
  },
};

async function evaluate(
  expression: Expression,
  value: JsonValue,
  bindings: Record<string, JsonValue>,
  position: 'request' | 'response',
): Promise<JsonValue> {
  try {
    const result: unknown = await inTurn(() => expression.evaluate(value, bindings));
    return toJson(result);
  } catch (error) {
    const { code, detail } = failures[position];
    throw new SkillgateError(code, `${detail}: ${reasonOf(error)}.`, { cause: error });
  }
}

let lastTurn: Promise<unknown> = Promise.resolve();
let computedMs = 0;

/**
 * Runs one evaluation at a time. Evaluations compute and never wait, so nothing is lost by it; side by side they would
 * use up each other's time limit, and share what JSONata keeps in an expression ($now, positions in its errors).
 */
function inTurn(run: () => Promise<unknown>): Promise<unknown> {
  const turn = lastTurn.then(async () => {
    if (computedMs > yieldAfterMs) {
      computedMs = 0;
      await setImmediate();
    }
    const start = performance.now();
    try {
      return await run();
    } finally {
      computedMs += performance.now() - start;
    }
  });
  lastTurn = turn.catch(() => undefined);
  return turn;
}

/**
 * Copies a result into plain JSON. JSONata's arrays carry flags, its objects have no prototype, and both may hold
 * functions.
 *
 * @throws Error that says what JSON cannot carry
 */
function toJson(value: unknown): JsonValue {
  if (value === undefined) throw new Error('it gives nothing');
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new Error(`it gives ${value}, which JSON cannot write`);
    return value;
  }
  if (typeof value !== 'object' || isFunction(value)) throw new Error('it gives a function');
  if (Array.isArray(value)) return value.map(toJson);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  // Object.fromEntries makes own properties even of a key such as __proto__.
  return Object.fromEntries(members.map(([key, member]) => [key, toJson(member)]));
}

function isFunction(value: object): boolean {
  return '_jsonata_lambda' in value || '_jsonata_function' in value;
}

/** JSONata throws objects that are no Errors: `{code, position, message}`. */
function reasonOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  const message = String(error.message);
  const text = message.length > maxReasonLength ? `${message.slice(0, maxReasonLength)}…` : message;
  return 'position' in error && typeof error.position === 'number'
    ? `${text} (at character ${error.position})`
    : text;
}
