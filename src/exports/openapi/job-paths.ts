import { jobStatuses } from '../../contracts/jobs.ts';
import type { JsonObject } from '../../contracts/json.ts';
import {
  accessResponses,
  callErrorResponses,
  jsonContent,
  pickResponses,
  response,
  schemaRef,
  skillName,
  textContent,
} from './operation.ts';

const jobId = {
  name: 'id',
  in: 'path',
  required: true,
  description: 'The id of a job.',
  schema: { type: 'string', format: 'uuid' },
};
const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same key with the same input gives the same job.',
  schema: { type: 'string', maxLength: 255 },
};
const status = { type: 'string', enum: [...jobStatuses] };
const job = jsonContent(schemaRef('Job'));
const jobResponses = { ...accessResponses, ...pickResponses('invalid_request', 'job_not_found') };

/** The schemas that only jobs need. */
export const jobSchemas: JsonObject = {
  Job: {
    type: 'object',
    required: ['id', 'skill', 'version', 'status', 'attempts', 'created_at'],
    properties: {
      id: { type: 'string', format: 'uuid' },
      skill: { type: 'string' },
      version: { type: 'string' },
      status,
      attempts: { type: 'integer', description: 'How often it was started.' },
      created_at: { type: 'string', format: 'date-time' },
      started_at: { type: 'string', format: 'date-time' },
      ended_at: { type: 'string', format: 'date-time' },
      output: { description: 'Once it has succeeded.' },
      error: schemaRef('Problem'),
    },
  },
};

/** The routes of jobs. */
export const jobPaths: JsonObject = {
  '/skills/{name}/jobs': {
    parameters: [skillName],
    post: {
      operationId: 'submitJob',
      tags: ['jobs'],
      summary: 'Call a skill as a job',
      description: 'The body is the input. 202 comes once the job cannot be lost any more.',
      parameters: [idempotencyKey],
      requestBody: { required: true, content: jsonContent({}) },
      responses: {
        202: {
          ...response('The job, and its address in `Location`.', job),
          headers: { Location: { schema: { type: 'string' } } },
        },
        ...callErrorResponses,
        ...pickResponses('idempotency_conflict'),
      },
    },
  },
  '/jobs': {
    get: {
      operationId: 'listJobs',
      tags: ['jobs'],
      summary: "List the caller's own jobs, the newest first",
      parameters: [
        { name: 'skill', in: 'query', required: false, schema: { type: 'string' } },
        { name: 'status', in: 'query', required: false, schema: status },
        { name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1 } },
        {
          name: 'before',
          in: 'query',
          required: false,
          description: 'Only jobs older than this one: the next page.',
          schema: { type: 'string', format: 'uuid' },
        },
      ],
      responses: {
        200: response(
          'The jobs, and where the next page is.',
          jsonContent({
            type: 'object',
            required: ['jobs'],
            properties: {
              jobs: { type: 'array', items: schemaRef('Job') },
              next: { type: 'string', description: 'Absent on the last page.' },
            },
          }),
        ),
        ...accessResponses,
        ...pickResponses('invalid_request'),
      },
    },
  },
  '/jobs/{id}': {
    parameters: [jobId],
    get: {
      operationId: 'getJob',
      tags: ['jobs'],
      summary: 'Show a job, or wait for its end',
      parameters: [
        {
          name: 'wait_ms',
          in: 'query',
          required: false,
          description: 'How long to wait for the end of the job, in milliseconds.',
          schema: { type: 'integer', minimum: 0 },
        },
      ],
      responses: { 200: response('The job as it is now.', job), ...jobResponses },
    },
    delete: {
      operationId: 'cancelJob',
      tags: ['jobs'],
      summary: 'Cancel a job',
      description: "A running job's call of the model is aborted.",
      responses: { 200: response('The job as it is now.', job), ...jobResponses },
    },
  },
  '/jobs/{id}/events': {
    parameters: [jobId],
    get: {
      operationId: 'followJob',
      tags: ['jobs'],
      summary: 'Follow a job by server-sent events',
      parameters: [
        {
          name: 'Last-Event-ID',
          in: 'header',
          required: false,
          description: 'The last event that the client has.',
          schema: { type: 'string' },
        },
      ],
      responses: {
        200: response(
          'An event for every change, until the job has ended.',
          textContent('text/event-stream'),
        ),
        204: { description: 'The job has ended, and the client has every event.' },
        ...jobResponses,
      },
    },
  },
};
