import type { FastifyPluginAsync } from 'fastify';
import { SkillgateError } from '../contracts/errors.ts';
import type { SkillInvoker } from '../contracts/invocation.ts';
import type { JsonValue } from '../contracts/json.ts';
import { toProblem } from '../contracts/problem.ts';
import { cacheDirectiveOf, traceparentOf, whileCallerStays } from './request-context.ts';

export interface BatchOptions {
  readonly invoker: SkillInvoker;
}

/** More rows than this belong into several requests: each bad one is answered with a problem object of its own. */
const maxRows = 1000;

/**
 * `POST /skills/{name}/batch`: `{"inputs": […]}` gives `{"results": […]}` in the same order, each row either
 * `{"output": …}` or `{"error": problem}`.
 */
export const batch: FastifyPluginAsync<BatchOptions> = async (app, { invoker }) => {
  app.post<{ Params: { name: string }; Body: JsonValue }>('/skills/:name/batch', async (request, reply) => {
    const inputs = inputsOf(request.body);
    const rows = await whileCallerStays(request, (signal) =>
      invoker.invokeEach(
        {
          skill: request.params.name,
          caller: request.caller,
          source: 'batch',
          requestId: request.id,
          traceparent: traceparentOf(request),
          cacheDirective: cacheDirectiveOf(request),
          signal,
        },
        inputs,
      ),
    );
    const results = rows.map((row) =>
      row instanceof SkillgateError
        ? `{"error":${JSON.stringify(toProblem(row, request.id))}}`
        : `{"output":${row.json}}`,
    );
    return reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(`{"results":[${results.join(',')}]}`);
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
