import type { FastifyPluginAsync } from 'fastify';
import { hasEnded, type JobEvent, type JobService } from '../contracts/jobs.ts';
import type { JsonValue } from '../contracts/json.ts';
import { sendEvents } from './job-events.ts';
import { jobIdIn, lastEventIdOf, numberIn, type Query, statusIn, textIn } from './job-parameters.ts';
import { eventText, jobText, showJob } from './job-text.ts';
import { callerSignal, whileCallerStays } from './request-context.ts';
import { submitJob } from './submit-job.ts';

export interface JobsOptions {
  readonly service: JobService;
}

/** The longest poll, in milliseconds: proxies seldom wait for more. */
const maxWaitMs = 60_000;
const page = { fallback: 100, max: 1000 };
const jsonText = 'application/json; charset=utf-8';

interface JobRoute {
  readonly Params: { id: string };
  readonly Querystring: Query;
}

/** `POST /skills/{name}/jobs` and everything under `/jobs`. */
export const jobs: FastifyPluginAsync<JobsOptions> = async (app, { service }) => {
  app.post<{ Params: { name: string }; Body: JsonValue }>('/skills/:name/jobs', (request, reply) =>
    submitJob(service, request, reply),
  );

  app.get<{ Querystring: Query }>('/jobs', async (request, reply) => {
    const { query } = request;
    const limit = numberIn(query, 'limit', page.fallback, 1, page.max);
    const found = await service.list(request.caller, {
      skill: textIn(query, 'skill'),
      status: statusIn(query),
      before: jobIdIn(query, 'before'),
      // One more tells whether there is a next page.
      limit: limit + 1,
    });
    const shown = found.slice(0, limit);
    const oldest = shown.at(-1);
    if (oldest === undefined || found.length <= limit) return { jobs: shown.map(showJob) };
    const next = nextPage(request.url, oldest.id);
    reply.header('link', `<${next}>; rel="next"`);
    return { jobs: shown.map(showJob), next };
  });

  app.get<JobRoute>('/jobs/:id', async (request, reply) => {
    const waitMs = numberIn(request.query, 'wait_ms', 0, 0, maxWaitMs);
    const { id } = request.params;
    const job =
      waitMs === 0
        ? await service.get(id, request.caller)
        : await whileCallerStays(request, (signal) => service.wait(id, request.caller, waitMs, signal));
    return reply.header('content-type', jsonText).header('cache-control', 'no-store').send(jobText(job));
  });

  app.delete<JobRoute>('/jobs/:id', async (request, reply) => {
    const job = await service.cancel(request.params.id, request.caller);
    return reply.header('content-type', jsonText).send(jobText(job));
  });

  // A HEAD would have to wait for the end of the stream.
  app.get<JobRoute>('/jobs/:id/events', { exposeHeadRoute: false }, async (request, reply) => {
    const { id } = request.params;
    const after = lastEventIdOf(request);
    const signal = callerSignal(reply);
    const job = await service.get(id, request.caller);
    const events = service.follow(id, request.caller, after, signal);
    if (!hasEnded(job)) return sendEvents(reply, events, eventText, signal);
    const rest: JobEvent[] = [];
    for await (const event of events) rest.push(event);
    // Nothing can come any more: 204 tells an EventSource not to come back (HTML Standard, section 9.2.3).
    if (rest.length === 0) return reply.code(204).send();
    return sendEvents(reply, replay(rest), eventText, signal);
  });
};

async function* replay(events: readonly JobEvent[]): AsyncIterable<JobEvent> {
  yield* events;
}

/** The same list from after this job on. */
function nextPage(url: string, before: string): string {
  const query = new URLSearchParams(url.split('?')[1]);
  query.set('before', before);
  return `/jobs?${query}`;
}
