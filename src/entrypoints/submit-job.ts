import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JobService } from '../contracts/jobs.ts';
import type { JsonValue } from '../contracts/json.ts';
import { idempotencyKeyOf, prefersAsync } from './job-parameters.ts';
import { jobText } from './job-text.ts';
import { cacheDirectiveOf, traceparentOf } from './request-context.ts';

/** A request whose body is the input of the skill that its path names. */
export type SkillRequest = FastifyRequest<{ Params: { name: string }; Body: JsonValue }>;

/** Makes a request a job, and answers 202 with the job once it is durable. */
export async function submitJob(
  service: JobService,
  request: SkillRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const job = await service.submit({
    skill: request.params.name,
    input: request.body,
    caller: request.caller,
    requestId: request.id,
    traceparent: traceparentOf(request),
    cacheDirective: cacheDirectiveOf(request),
    idempotencyKey: idempotencyKeyOf(request),
  });
  if (prefersAsync(request)) reply.header('preference-applied', 'respond-async');
  return reply
    .code(202)
    .header('location', `/jobs/${job.id}`)
    .header('content-type', 'application/json; charset=utf-8')
    .send(jobText(job));
}
