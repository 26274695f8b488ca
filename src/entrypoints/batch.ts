import type { FastifyPluginAsync } from 'fastify';
import { mayUse } from '../contracts/caller.ts';
import { SkillgateError, toSkillgateError } from '../contracts/errors.ts';
import type { SkillInvoker } from '../contracts/invocation.ts';
import type { JsonValue } from '../contracts/json.ts';
import { toProblem } from '../contracts/problem.ts';
import type { SkillCatalog } from '../contracts/skill.ts';
import { mapConcurrent } from '../lib/map-concurrent.ts';
import { cacheDirectiveOf, callerSignal, traceparentOf } from './request-context.ts';

export interface BatchOptions {
  readonly invoker: SkillInvoker;
  readonly catalog: SkillCatalog;
}

/** More rows than this belong into several requests: each bad one is answered with a problem object of its own. */
const maxRows = 1000;

/**
 * `POST /skills/{name}/batch`: `{"inputs": […]}` gives `{"results": […]}` in the same order, each row either
 * `{"output": …}` or `{"error": problem}`. The rows run side by side within the skill's own concurrency limit.
 */
export const batch: FastifyPluginAsync<BatchOptions> = async (app, { invoker, catalog }) => {
  app.post<{ Params: { name: string }; Body: JsonValue }>('/skills/:name/batch', async (request, reply) => {
    const { name } = request.params;
    const skill = catalog.get(name);
    if (skill === undefined) throw new SkillgateError('skill_not_found', `There is no skill ${name}.`);
    const { caller } = request;
    if (!mayUse(caller, name)) {
      throw new SkillgateError(
        'forbidden',
        `The credentials of ${caller.id} do not cover the skill ${name}.`,
      );
    }
    const inputs = inputsOf(request.body);
    const signal = callerSignal(reply);
    const shared = {
      skill: name,
      caller,
      source: 'batch',
      requestId: request.id,
      traceparent: traceparentOf(request),
      cacheDirective: cacheDirectiveOf(request),
      signal,
    } as const;

    const rows = await mapConcurrent(inputs, skill.compiled.definition.concurrency.max, async (input) => {
      try {
        const { json } = await invoker.invoke({ ...shared, input });
        return `{"output":${json}}`;
      } catch (error) {
        // Once nobody listens, the rows that are left are not worth starting.
        signal.throwIfAborted();
        return `{"error":${JSON.stringify(toProblem(toSkillgateError(error), request.id))}}`;
      }
    });
    return reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(`{"results":[${rows.join(',')}]}`);
  });
};

function inputsOf(body: JsonValue): readonly JsonValue[] {
  const inputs = typeof body === 'object' && body !== null && !Array.isArray(body) ? body.inputs : undefined;
  if (!Array.isArray(inputs)) throw invalid('type', 'must be an array of inputs: {"inputs": […]}');
  if (inputs.length > maxRows)
    throw invalid('maxItems', `must have at most ${maxRows} rows, not ${inputs.length}`);
  return inputs;
}

function invalid(keyword: string, message: string): SkillgateError {
  return new SkillgateError('invalid_input', `/inputs ${message}`, {
    faults: [{ pointer: '/inputs', keyword, message }],
  });
}
