import type { FastifyPluginAsync } from 'fastify';
import type { Reply, SkillInvoker } from '../contracts/invocation.ts';
import type { JobService } from '../contracts/jobs.ts';
import type { JsonValue } from '../contracts/json.ts';
import { prefersAsync } from './job-parameters.ts';
import { cacheDirectiveOf, traceparentOf, whileCallerStays } from './request-context.ts';
import { submitJob } from './submit-job.ts';

export interface SkillsOptions {
  readonly invoker: SkillInvoker;
  readonly jobs: JobService;
}

/**
 * `POST /skills/{name}`: the body is the input, the answer's body is the output. With `Prefer: respond-async` (RFC 7240)
 * it becomes a job.
 */
export const skills: FastifyPluginAsync<SkillsOptions> = async (app, { invoker, jobs }) => {
  app.post<{ Params: { name: string }; Body: JsonValue }>('/skills/:name', async (request, reply) => {
    if (prefersAsync(request)) return submitJob(jobs, request, reply);
    const startedAt = performance.now();
    const { json, report } = await whileCallerStays(request, (signal) =>
      invoker.invoke({
        skill: request.params.name,
        input: request.body,
        caller: request.caller,
        source: 'rest',
        requestId: request.id,
        traceparent: traceparentOf(request),
        cacheDirective: cacheDirectiveOf(request),
        signal,
      }),
    );
    const totalMs = performance.now() - startedAt;
    return reply
      .header('content-type', 'application/json; charset=utf-8')
      .header('cache-status', cacheStatus(report))
      .header('server-timing', `upstream;dur=${tenths(report.upstreamMs)}, total;dur=${tenths(totalMs)}`)
      .send(json);
  });
};

/** The `Cache-Status` of an answer (RFC 9211). */
function cacheStatus({ cache, collapsed }: Reply['report']): string {
  if (cache === 'hit') return 'skillgate; hit';
  return collapsed ? `skillgate; fwd=${cache}; collapsed` : `skillgate; fwd=${cache}`;
}

/** To a tenth, as toFixed writes it at several times the cost. */
function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
